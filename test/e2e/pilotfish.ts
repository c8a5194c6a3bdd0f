/** The example server and Pilotfish beside it, as a user starts them, and what a user asks them. */
import { z } from "zod";
import { inferRequest, type CensusRow } from "../../examples/employment/rows.ts";
import { freePort } from "../../agent/cli/demo/free-port.ts";
import { type Process, type Stage } from "./processes.ts";

export interface LogLine extends Readonly<Record<string, unknown>> {
  readonly msg: string;
}

/** The part of `/v1/state` that the tests look at. */
const stateDocument = z.object({
  model: z.object({ name: z.string(), version: z.string().nullable() }),
  status: z.string(),
  rung: z.string(),
  reason: z.string(),
  cause: z.object({ detector: z.string(), code: z.string(), evidence: z.string() }),
  probes: z.record(z.string(), z.object({ verdict: z.string(), reason: z.string() })),
  drift: z.array(z.object({ stream: z.string(), culprits: z.array(z.object({ name: z.string(), share: z.number() })) })),
  evidence: z.object({ log10: z.number().nullable(), features: z.record(z.string(), z.number()) }),
  window: z.number().nullable(),
  performance: z.record(z.string(), z.number()),
  actuals: z.record(z.string(), z.number()),
  analysed: z.record(z.string(), z.number()),
  notes: z.array(z.string()),
});
export type State = z.infer<typeof stateDocument>;

export interface Addresses {
  readonly server: string;
  readonly gateway: string;
  readonly api: string;
  readonly metrics: string;
  readonly signals: string;
}

export async function addresses(): Promise<Addresses> {
  const [server, gateway, api, metrics] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const at = (port: number) => `http://127.0.0.1:${port}`;
  return { server: at(server), gateway: at(gateway), api: at(api), metrics: at(metrics), signals: `ws://127.0.0.1:${api}/v1/signals` };
}

const portOf = (url: string) => new URL(url).port;

/** A process whose log can be read; every line is an object with `msg`. */
export interface Logging extends Process {
  log(): readonly LogLine[];
  /** Lines whose message begins so. */
  said(msg: string): readonly LogLine[];
}

function logging(process: Process): Logging {
  const log = () => process.stdout.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as LogLine);
  return { ...process, log, said: (msg) => log().filter((line) => line.msg.startsWith(msg)) };
}

/** Kept once it takes requests. It follows the signals of the Pilotfish at these addresses. */
export async function startServer(stage: Stage, at: Addresses): Promise<Logging> {
  const server = logging(
    stage.start("the model server", [
      process.execPath, "examples/server/server.ts", "--models", "examples/employment/models", "--port", portOf(at.server), "--pilotfish", at.signals,
    ]),
  );
  await stage.eventually("the model server is ready", 20_000, () => answers(`${at.server}/v2/health/ready`), server);
  return server;
}

/** The settings that put every listener on loopback, at these addresses. */
export function listeners(at: Addresses): string[] {
  return [
    "gateway.host=127.0.0.1", `gateway.port=${portOf(at.gateway)}`,
    `api.port=${portOf(at.api)}`,
    "metrics.host=127.0.0.1", `metrics.port=${portOf(at.metrics)}`,
  ];
}

/** The arguments of `pilotfish run` with the example's config. */
export function runExample(at: Addresses, settings: readonly string[] = []): string[] {
  return ["run", "--config", "examples/employment/pilotfish.yaml", ...set([`server.url=${at.server}`, ...listeners(at), ...settings])];
}

export function set(settings: readonly string[]): string[] {
  return settings.flatMap((setting) => ["--set", setting]);
}

/** Starts the command line, with these variables in its environment, and waits for nothing. */
export function startCommand(stage: Stage, args: readonly string[], variables: Readonly<Record<string, string>> = {}): Logging {
  const env = ["env", ...Object.entries(variables).map(([name, value]) => `${name}=${value}`)];
  return logging(stage.start("pilotfish", [...(env.length > 1 ? env : []), process.execPath, "agent/main.ts", ...args]));
}

/** Kept once it serves predictions. */
export async function startPilotfish(stage: Stage, at: Addresses, args: readonly string[]): Promise<Logging> {
  const pilotfish = startCommand(stage, args);
  await stage.eventually("pilotfish is ready", 20_000, () => answers(`${at.api}/readyz`), pilotfish);
  return pilotfish;
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
  await response.arrayBuffer();
  return response.status === 200;
}

export async function stateAt({ api }: Addresses): Promise<State> {
  const response = await fetch(`${api}/v1/state`, { signal: AbortSignal.timeout(5_000) });
  return stateDocument.parse(await response.json());
}

/** Kept once the status is this. */
export function status(stage: Stage, at: Addresses, wanted: string, timeoutMs: number): Promise<State> {
  return stage.eventually(`the primary counts as ${wanted}`, timeoutMs, async () => {
    const state = await stateAt(at);
    return state.status === wanted && state;
  });
}

export const inferPath = "/v2/models/employment/infer";

export interface Inferred {
  readonly status: number;
  /** Who answered; null where the header is missing. */
  readonly rung: string | null;
  readonly headers: Headers;
  readonly text: string;
}

/** One inference through the gateway. */
export async function infer({ gateway }: Addresses, rows: readonly CensusRow[], headers: Readonly<Record<string, string>> = {}): Promise<Inferred> {
  const response = await fetch(gateway + inferPath, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(inferRequest(rows)),
    signal: AbortSignal.timeout(10_000),
  });
  return { status: response.status, rung: response.headers.get("pilotfish-rung"), headers: response.headers, text: await response.text() };
}

/** The text of `/metrics`. */
export async function metricsText({ metrics }: Addresses): Promise<string> {
  return (await fetch(`${metrics}/metrics`, { signal: AbortSignal.timeout(5_000) })).text();
}

/**
 * The model server fails in every way we know of, under 500 requests a second and in both lanes: no request fails, every answer
 * is a right one, and the reason is the same in the answers' header, in the series and in the signal. No time is asserted.
 */
import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { startLoad, type Answered } from "../../agent/cli/demo/load.ts";
import { freePort } from "../../agent/cli/demo/free-port.ts";
import { systemClock } from "../../agent/clock.ts";
import { SignalClient } from "../exporters/signal-client.ts";
import { expiredCertificate } from "./expired-certificate.ts";
import type { Fault } from "./faulty-server.ts";
import { stageForTest, type Process, type Stage } from "./processes.ts";
import { addresses, inferPath, listeners, metricsText, set, startCommand, status, type Addresses } from "./pilotfish.ts";

const perSecond = 500;
const question = JSON.stringify({ inputs: [{ name: "x", datatype: "FP32", shape: [1, 1], data: [1] }] });
const answers = {
  primary: { model_name: "employment", model_version: "7", outputs: [{ name: "y", datatype: "FP32", shape: [1, 1], data: [0.75] }] },
  last: { model_name: "employment", outputs: [{ name: "y", datatype: "FP32", shape: [1, 1], data: [0.5] }] },
};

interface Server {
  readonly process: Process;
  fail(fault: Fault): Promise<void>;
}

async function startServer(stage: Stage, at: Addresses, args: readonly string[] = []): Promise<Server> {
  const control = await freePort();
  const process_ = stage.start("the faulty server", [process.execPath, "test/e2e/faulty-server.ts", "--port", new URL(at.server).port, "--control", String(control), ...args]);
  const fail = async (fault: Fault): Promise<void> => void (await (await fetch(`http://127.0.0.1:${control}/${fault}`, { method: "PUT" })).text());
  await stage.eventually("the faulty server listens", 20_000, () => fail("none").then(() => true), process_);
  return { process: process_, fail };
}

/** @param trusted file with a certificate that is taken for an authority's. */
async function startPilotfish(stage: Stage, at: Addresses, lanes: string, trusted?: string): Promise<void> {
  const config = stage.path("pilotfish.yaml");
  writeFileSync(config, [
    `server: {url: "${at.server}", protocol: open-inference}`,
    "model: {name: employment}",
    `gateway: {lanes: ${lanes}, active: 8192, clients: 8192}`,
    "ladder: [{kind: default, name: last, outputs: {y: 0.5}}]",
  ].join("\n"));
  const command = startCommand(stage, ["run", "--config", config, ...set(listeners(at))], trusted === undefined ? {} : { NODE_EXTRA_CA_CERTS: trusted });
  await stage.eventually("pilotfish is ready", 20_000, async () => (await fetch(`${at.api}/livez`)).ok, command);
}

/** Traffic that is counted by who answered and why. */
function traffic(at: Addresses) {
  const all: Answered[] = [];
  let asked = 0;
  const next = () => ({ id: `faults-${(asked += 1)}`, body: question });
  const load = startLoad({ url: at.gateway, path: inferPath, ratePerSecond: perSecond, deadlineMs: 20_000, atOnceMax: 8_000 }, systemClock, next, (answer) => all.push(answer));
  return {
    all,
    asked: () => asked,
    skipped: load.skipped,
    stop: () => load.stop(),
    by: (rung: string, from = 0) => all.slice(from).filter((answer) => answer.rung === rung),
  };
}

/** Answers by rung and reason. */
function counted(all: readonly Answered[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { rung, reason } of all) counts[`${rung} ${reason}`] = (counts[`${rung} ${reason}`] ?? 0) + 1;
  return counts;
}

/** The same from the series. */
async function countedBySeries(at: Addresses): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [, labels = "", value] of (await metricsText(at)).matchAll(/^pilotfish_gateway_requests_total\{(.*)\} (\d+)$/gm)) {
    const label = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(labels)?.[1];
    const key = `${label("rung")} ${label("reason")}`;
    counts[key] = (counts[key] ?? 0) + Number(value);
  }
  return counts;
}

interface Story {
  readonly happens: string;
  readonly fault: (server: Server) => Promise<void> | void;
  /** Why a request that tried the server in vain was answered by the rung. */
  readonly tried: readonly string[];
  readonly https?: boolean;
}

const stories: readonly Story[] = [
  { happens: "is killed with kill -9", fault: ({ process: server }) => server.signal("SIGKILL"), tried: ["reset", "refused"] },
  { happens: "is stopped, and its kernel goes on accepting", fault: ({ process: server }) => server.signal("SIGSTOP"), tried: ["stalled", "timeout"] },
  { happens: "answers 500 to everything", fault: (server) => server.fail("errors"), tried: ["error"] },
  { happens: "answers too late", fault: (server) => server.fail("slow"), tried: ["stalled", "timeout"] },
  { happens: "resets each connection in mid-body", fault: (server) => server.fail("cut"), tried: ["reset"] },
  { happens: "accepts, and never says a word", fault: (server) => server.fail("silent"), tried: ["stalled", "timeout"] },
  { happens: "answers in another protocol", fault: (server) => server.fail("garbage"), tried: ["invalid", "reset"] },
];

for (const lanes of ["both", "ordinary"]) {
  test.each(stories)(`a server that $happens, at 500 requests a second: every one is answered, with the right reason [${lanes}]`, async ({ fault, tried }) => {
    const stage = await stageForTest();
    const at = await addresses();
    const server = await startServer(stage, at);
    await startPilotfish(stage, at, lanes);
    await status(stage, at, "healthy", 10_000);
    const client = await new SignalClient(at.signals).opened();
    stage.later(() => client.socket.terminate());
    client.say("hello", { name: "faults" });
    const sent = traffic(at);
    stage.later(() => sent.stop());
    await stage.eventually("the primary answers", 20_000, () => sent.by("primary").length > 200);

    await fault(server);
    const failed = await status(stage, at, "failed", 30_000);
    await stage.eventually("the rung answers without the primary's being asked", 30_000, () => sent.by("last").filter(({ reason }) => reason === failed.reason).length > 200);
    await sent.stop();

    // Nobody is left without an answer, and each is the one of the rung that its header names.
    expect(sent.all.filter(({ failure }) => failure !== undefined)).toEqual([]);
    expect([sent.all.length, sent.skipped()]).toEqual([sent.asked(), 0]);
    for (const { rung, body } of sent.all) expect(JSON.parse(body)).toMatchObject(answers[rung as keyof typeof answers]);

    // Those who found the server failing say how; those after them, what failover had decided.
    const byHeader = counted(sent.all);
    const reasons = Object.keys(byHeader).filter((key) => key.startsWith("last ")).map((key) => key.slice(5));
    for (const reason of reasons) expect([...tried, "circuit-open", "unready"]).toContain(reason);
    expect(tried.some((reason) => reasons.includes(reason)), `${JSON.stringify(byHeader)}`).toBe(true);
    expect(await stage.eventually("the series has counted all", 5_000, async () => {
      const bySeries = await countedBySeries(at);
      return Object.keys({ ...bySeries, ...byHeader }).every((key) => bySeries[key] === byHeader[key]) && bySeries;
    })).toEqual(byHeader);

    for (;;) {
      const { body } = await client.until("transition");
      if (body.to !== "failed") continue;
      expect(body).toMatchObject({ rung: "last", reason: failed.reason });
      const transitions = (await metricsText(at)).match(/^pilotfish_failover_transitions_total\{.*to="failed".*$/gm);
      expect(transitions).toEqual([expect.stringContaining(`reason="${body.cause.code}"} 1`)]);
      break;
    }
  }, 120_000);
}

test.each(["both", "ordinary"])("a server whose certificate has expired is never asked: every request is answered by a rung, which says so [%s]", async (lanes) => {
  const stage = await stageForTest();
  const plain = await addresses();
  const at = { ...plain, server: plain.server.replace("http:", "https:") };
  const [keyFile, certFile] = [stage.path("key.pem"), stage.path("cert.pem")];
  const { key, cert } = expiredCertificate();
  writeFileSync(keyFile, key, { mode: 0o600 });
  writeFileSync(certFile, cert);
  await startServer(stage, at, ["--key", keyFile, "--cert", certFile]);
  await startPilotfish(stage, at, lanes, certFile);
  const sent = traffic(at);
  stage.later(() => sent.stop());
  const failed = await status(stage, at, "failed", 30_000);
  await stage.eventually("the rung answers", 30_000, () => sent.by("last").length > 500);
  await sent.stop();
  expect(sent.all.filter(({ failure }) => failure !== undefined)).toEqual([]);
  expect(sent.all.length).toBe(sent.asked());
  expect(new Set(sent.all.map(({ rung }) => rung))).toEqual(new Set(["last"]));
  for (const { reason } of sent.all) expect(["refused", "unready", "circuit-open"]).toContain(reason);
  expect(failed.cause.evidence).toContain("certificate has expired");
}, 120_000);

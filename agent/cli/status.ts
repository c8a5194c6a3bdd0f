/** `pilotfish status`: what a running Pilotfish knows, in a few lines. */
import { resolve } from "node:path";
import * as z from "zod";
import { readToken } from "../api/tokens.ts";
import { recordingDocument } from "../../exporters/recording.ts";
import { timeLine } from "../../exporters/time-line.ts";
import { systemClock } from "../clock.ts";
import { ask } from "../forward/ask.ts";
import { parseOptions, UsageError } from "./usage.ts";
import { exit, type World } from "./world.ts";

/** The part of /v1/state that is shown; the rest may grow. */
const shown = z.object({
  version: z.string(),
  model: z.object({ name: z.string(), version: z.string().nullable() }),
  server: z.object({ url: z.string() }),
  status: z.string(),
  rung: z.string(),
  reason: z.string(),
  since: z.string(),
  cause: z.object({ detector: z.string(), code: z.string(), evidence: z.string() }),
  ladder: z.array(z.object({ name: z.string(), price: z.object({ standing: z.string(), message: z.string(), seconds: z.object({ median: z.number().nullable() }) }).nullish() })).default([]),
  probes: z.record(z.string(), z.object({ verdict: z.string(), detail: z.string() })),
  drift: z.array(z.object({ stream: z.string(), message: z.string() })),
});

const recordingList = z.object({ recordings: z.array(z.object({ id: z.string(), url: z.string() })) });
/** Several times what a full one takes. */
const recordingMaxBytes = 16 * 1_048_576;

export const status = {
  usage: "pilotfish status [--url URL] [--token-file FILE] [--last-incident] [--json]",
  help: "Tell how a running Pilotfish and its model server are.\n\n--url: its control API, http://127.0.0.1:9081 by default. --last-incident: the time line of the last page, second by second where --json is given. Exits with 0 if the primary answers, 1 if not or if nobody is there.",
  async run(argv: readonly string[], world: World): Promise<number> {
    const { values } = parseOptions(argv, { url: { type: "string", default: "http://127.0.0.1:9081" }, "token-file": { type: "string" }, "last-incident": { type: "boolean", default: false }, json: { type: "boolean", default: false } });
    const url = URL.parse(values["last-incident"] ? "/v1/recordings" : "/v1/state", values.url);
    if (url === null || !/^https?:$/.test(url.protocol)) throw new UsageError(`--url: expected the URL of a control API, such as http://127.0.0.1:9081, got "${values.url}"`);
    const token = await tokenIn(values["token-file"], world.cwd);
    const failed = (why: string): number => {
      world.err(`pilotfish status: ${url.href}: ${why}\n`);
      return exit.failed;
    };
    const get = (from: URL) => ask(systemClock, { url: from, timeoutMs: 5_000, bodyMaxBytes: recordingMaxBytes, ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }) });
    const asked = await get(url);
    if (!asked.ok) return failed(`${asked.outcome} (${asked.detail}); is Pilotfish running there? --url names another control API`);
    if (asked.status === 401) return failed("it asks for a token; name the file that holds it with --token-file");
    if (asked.status !== 200) return failed(`it answered ${asked.status}; is that the control API of a Pilotfish?`);
    const text = asked.body.toString("utf8");
    if (values["last-incident"]) {
      const list = recordingList.safeParse(jsonOf(text));
      if (!list.success) return failed("it told no recordings; is it an older Pilotfish?");
      const [latest] = list.data.recordings;
      if (latest === undefined) return failed("there is no recording: nothing has paged, or store.path is not set there");
      const recording = await get(new URL(latest.url, url));
      if (!recording.ok || recording.status !== 200) return failed(`the recording ${latest.id} could not be had`);
      const document = recordingDocument.safeParse(jsonOf(recording.body.toString("utf8")));
      if (!document.success) return failed(`the recording ${latest.id} can not be read`);
      world.out(values.json ? recording.body.toString("utf8") : timeLine(document.data));
      return exit.done;
    }
    const parsed = shown.safeParse(jsonOf(text));
    if (!parsed.success) return failed("it told no state; it is still starting, or no Pilotfish");
    const state = parsed.data;
    const result = ["healthy", "degraded", "suspect"].includes(state.status) ? exit.done : exit.failed;
    if (values.json) {
      world.out(`${text}\n`);
      return result;
    }
    const lines = [
      `${state.model.name}${state.model.version === null ? "" : ` version ${state.model.version}`} at ${state.server.url}: ${state.status} since ${state.since}`,
      `answers come from: ${state.rung}${state.reason === "normal" ? "" : ` (${state.reason})`}`,
      ...(state.cause.code === "none" ? [] : [`because: ${state.cause.evidence} (${state.cause.detector}, ${state.cause.code})`]),
      ...state.ladder.flatMap(({ name, price }) => (price ? [`rung ${name}: ${price.standing}, ${price.message}${within(price.seconds.median)}`] : [])),
      ...Object.entries(state.probes).map(([name, { verdict, detail }]) => `probe ${name}: ${verdict}${detail === "" ? "" : `, ${detail}`}`),
      ...state.drift.map(({ stream, message }) => `drift of ${stream}: ${message}`),
    ];
    world.out(`${lines.join("\n")}\n`);
    return result;
  },
};

function within(seconds: number | null): string {
  return seconds === null ? "" : `, half of its answers within ${Number((1_000 * seconds).toPrecision(2))} ms`;
}

async function tokenIn(file: string | undefined, cwd: string): Promise<string | undefined> {
  try {
    return await readToken("--token-file", file === undefined ? undefined : resolve(cwd, file));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

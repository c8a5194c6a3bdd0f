/** `pilotfish status`: what a running Pilotfish knows, in a few lines. */
import { z } from "zod";
import { systemClock } from "../clock.ts";
import { ask } from "../forward/ask.ts";
import { parseOptions } from "./usage.ts";
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
  probes: z.record(z.string(), z.object({ verdict: z.string(), detail: z.string() })),
  drift: z.array(z.object({ stream: z.string(), message: z.string() })),
});

export const status = {
  usage: "pilotfish status [--url URL] [--token-file FILE] [--json]",
  help: "Tell how a running Pilotfish and its model server are.\n\n--url: its control API, http://127.0.0.1:9081 by default. Exits with 0 if the primary answers, 1 if not or if nobody is there.",
  async run(argv: readonly string[], world: World): Promise<number> {
    const { values } = parseOptions(argv, { url: { type: "string", default: "http://127.0.0.1:9081" }, "token-file": { type: "string" }, json: { type: "boolean", default: false } });
    const { readFile } = await import("node:fs/promises");
    const token = values["token-file"] === undefined ? undefined : (await readFile(values["token-file"], "utf8")).trim();
    const url = new URL("/v1/state", values.url);
    const asked = await ask(systemClock, { url, timeoutMs: 5_000, ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }) });
    if (!asked.ok || asked.status !== 200) {
      world.err(`pilotfish status: ${url.href}: ${asked.ok ? `answered ${asked.status}` : `${asked.outcome}: ${asked.detail}`}\n`);
      return exit.failed;
    }
    if (values.json) {
      world.out(`${asked.body.toString("utf8")}\n`);
      return exit.done;
    }
    const state = shown.parse(JSON.parse(asked.body.toString("utf8")));
    const lines = [
      `${state.model.name}${state.model.version === null ? "" : ` version ${state.model.version}`} at ${state.server.url}: ${state.status} since ${state.since}`,
      `answers come from: ${state.rung}${state.reason === "normal" ? "" : ` (${state.reason})`}`,
      ...(state.cause.code === "none" ? [] : [`because: ${state.cause.evidence} (${state.cause.detector}, ${state.cause.code})`]),
      ...Object.entries(state.probes).map(([name, { verdict, detail }]) => `probe ${name}: ${verdict}${detail === "" ? "" : `, ${detail}`}`),
      ...state.drift.map(({ stream, message }) => `drift of ${stream}: ${message}`),
    ];
    world.out(`${lines.join("\n")}\n`);
    return ["healthy", "degraded", "suspect"].includes(state.status) ? exit.done : exit.failed;
  },
};

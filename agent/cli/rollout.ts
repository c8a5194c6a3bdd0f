/** `pilotfish rollout`: a candidate is tried beside the primary; start it, look at it, send it on, take it away. */
import * as z from "zod";
import { rolloutSchema, type RolloutDocument } from "../api/rollout-shown.ts";
import { systemClock as clock, wait } from "../clock.ts";
import { rolloutModes } from "../rollout-view.ts";
import type { Command } from "./command.ts";
import { CallError, control, controlHelp, controlOptions, controlUsage, jsonOf, type Control } from "./control.ts";
import { harmless, paintFor } from "./paint.ts";
import { rolloutLines } from "./rollout-lines.ts";
import { parseOptions, UsageError } from "./usage.ts";
import { openTerminal } from "./watch/terminal.ts";
import { exit, type World } from "./world.ts";

const words = ["start", "status", "promote", "abort"] as const;
const readMs = 1_000;

const told = z.object({ rollout: rolloutSchema.nullable() });
const refused = z.object({ detail: z.string(), errors: z.array(z.object({ detail: z.string() })).default([]) });

export const rollout: Command = {
  usage: `pilotfish rollout ${words.join("|")} [--reason TEXT] ${controlUsage}`,
  words,
  help: `Try a candidate beside the primary, and decide what becomes of it.

start     tries the candidate that the options name, or else the config's
status    where the rollout stands, or the last one; what the judge finds, and what the world was told
promote   the next step, or all of the traffic where there is none, whatever the judge says
abort     takes the traffic off the candidate at once, also after it was promoted

--url URL         start: the candidate's server; without it the primary's own
--version V       start: the candidate's version, by the protocol's path for one
--onnx FILE       start: an ONNX file on the sidecar's own disk, instead of a server
--mode ${rolloutModes.join("|")}
                  start: on a share of the traffic, on copies alone, or on the one after the other
--watch           status: until the rollout is over; exits with 1 where it was aborted
--reason TEXT     start, promote, abort: why, for the audit log
${controlHelp}

Exits with 1 where things do not stand so (one runs already, none runs), with 2 where the candidate can not be tried, each reason
on a line.

Examples:
  pilotfish rollout start --version 2 --mode shadow-then-canary --reason "trained on May"
  pilotfish rollout status --watch
  pilotfish rollout abort --reason "support says answers look odd"`,
  async run([word, ...argv], world) {
    switch (words.find((one) => one === word)) {
      case "start":
        return await start(argv, world);
      case "status":
        return await status(argv, world);
      case "promote":
      case "abort": {
        const { values } = parseOptions(argv, { ...controlOptions, reason: { type: "string" } });
        return await decide(await control(values, world), `/v1/rollout/${word}`, reasonIn(values), values.json, world);
      }
      case undefined:
        throw new UsageError(word === undefined || word.startsWith("-") ? `say what: ${words.join(", ")}` : `expected ${words.join(", ")}, got "${word}"`);
    }
  },
};

async function start(argv: readonly string[], world: World): Promise<number> {
  const { values } = parseOptions(argv, { ...controlOptions, url: { type: "string" }, version: { type: "string" }, onnx: { type: "string" }, mode: { type: "string" }, reason: { type: "string" } });
  const { url, version, onnx, mode } = values;
  if (mode !== undefined && !(rolloutModes as readonly string[]).includes(mode)) throw new UsageError(`--mode: expected ${rolloutModes.join(", ")}, got "${mode}"`);
  const named = { ...(url !== undefined && { url }), ...(version !== undefined && { version }), ...(onnx !== undefined && { onnx }) };
  const asked = { ...(Object.keys(named).length > 0 && { candidate: named }), ...(mode !== undefined && { mode }), ...reasonIn(values) };
  return await decide(await control(values, world), "/v1/rollout", asked, values.json, world);
}

function reasonIn({ reason }: { readonly reason?: string | undefined }): { readonly reason?: string } {
  return reason === undefined || reason.trim() === "" ? {} : { reason };
}

async function decide(api: Control, path: string, body: unknown, json: boolean, world: World): Promise<number> {
  const reply = await api.ask("POST", path, body);
  if (reply.status >= 300) {
    const problem = refused.safeParse(jsonOf(reply.text));
    if (!problem.success) throw new CallError(`${api.at}${path}: it answered ${reply.status}; is that the control API of a Pilotfish?`);
    const { detail, errors } = problem.data;
    throw new CallError([detail, ...errors.map((one) => `  ${one.detail}`)].map(unsteered).join("\n"), reply.status === 400 || reply.status === 422 ? exit.bad : exit.failed);
  }
  if (json) world.out(`${JSON.stringify(jsonOf(reply.text), null, 2)}\n`);
  else world.out(`${rolloutLines(rolloutIn(api, reply.text) as RolloutDocument, clock.wallMs(), paintFor(world)).join("\n")}\n`);
  return exit.done;
}

function unsteered(line: string): string {
  return line.startsWith("  ") ? `  ${harmless(line.slice(2))}` : harmless(line);
}

async function read(api: Control): Promise<{ readonly rollout: RolloutDocument | null; readonly text: string }> {
  const { status: code, text } = await api.ask("GET", "/v1/rollout");
  if (code !== 200) throw new CallError(`${api.at}/v1/rollout: it answered ${code}; is it an older Pilotfish?`);
  return { rollout: rolloutIn(api, text), text };
}

function rolloutIn(api: Control, text: string): RolloutDocument | null {
  const parsed = told.safeParse(jsonOf(text));
  if (!parsed.success) throw new CallError(`${api.at}/v1/rollout: it told no rollout; is that the control API of a Pilotfish?`);
  return parsed.data.rollout;
}

async function status(argv: readonly string[], world: World): Promise<number> {
  const { values } = parseOptions(argv, { ...controlOptions, watch: { type: "boolean", default: false } });
  const api = await control(values, world);
  const first = await read(api);
  if (values.watch) return await follow(api, first, values.json, world);
  world.out(values.json ? `${JSON.stringify(jsonOf(first.text), null, 2)}\n` : `${shown(first.rollout, world).join("\n")}\n`);
  return exit.done;
}

function shown(current: RolloutDocument | null, world: World): readonly string[] {
  return current === null ? ["no rollout runs, and none ran; pilotfish rollout start begins one"] : rolloutLines(current, clock.wallMs(), paintFor(world));
}

/** Redrawn each second on a terminal, elsewhere told at each change, until it is over or Ctrl-C. What is lost comes back or does not. */
async function follow(api: Control, first: Awaited<ReturnType<typeof read>>, json: boolean, world: World): Promise<number> {
  const ended = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) world.onSignal(signal, () => ended.abort());
  const terminal = world.interactive && !json ? openTerminal(world) : undefined;
  let now = first;
  let before = "";
  try {
    while (!ended.signal.aborted) {
      const { phase, reason, step, reading } = now.rollout ?? {};
      const change = JSON.stringify([phase, reason, step, reading?.verdict]);
      if (terminal !== undefined) terminal.draw(shown(now.rollout, world));
      else if (change !== before) world.out(json ? `${now.text}\n` : `${shown(now.rollout, world).join("\n")}\n`);
      before = change;
      if (isOver(now.rollout)) break;
      await wait(clock, readMs, ended.signal).catch(() => {});
      now = await read(api).catch(() => now);
    }
  } finally {
    terminal?.leave();
  }
  if (terminal !== undefined) world.out(`${shown(now.rollout, world).join("\n")}\n`);
  return now.rollout?.phase === "aborted" ? exit.failed : exit.done;
}

function isOver(current: RolloutDocument | null): boolean {
  return current === null || current.phase === "promoted" || current.phase === "aborted";
}

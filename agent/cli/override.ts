/** `pilotfish pin`, `hold`, `drain` and `release`: a person decides who answers, for a while. */
import * as z from "zod";
import type { OverrideAction } from "../override.ts";
import { parseDurationMs } from "../units.ts";
import type { Command } from "./command.ts";
import { control, controlHelp, controlOptions, controlUsage } from "./control.ts";
import { harmless } from "./paint.ts";
import { parseOptions, UsageError } from "./usage.ts";
import { exit, type World } from "./world.ts";

const shown = z.object({ id: z.string(), action: z.string(), rung: z.string(), owner: z.string(), reason: z.string(), until: z.string() });
const set = z.object({ override: shown, warnings: z.array(z.string()).default([]) });
const listed = z.object({ overrides: z.array(shown) });
const released = z.object({ override: shown });

const common = `--reason TEXT     why, for whoever asks later; in the audit log
--ttl 1h          when it ends by itself: 1h by default, at most 24h
--owner NAME      whom to ask about it; without it whoever the token names
${controlHelp}`;

function command(action: OverrideAction, words: { readonly takes: string; readonly does: string; readonly more: string; readonly examples: readonly string[] }): Command {
  return {
    usage: `pilotfish ${action}${words.takes} --reason TEXT [--ttl 1h] [--owner NAME] ${controlUsage}`,
    help: `${words.does}\n\n${words.more}\n\n${common}\n\nExamples:\n${words.examples.map((example) => `  ${example}`).join("\n")}`,
    async run(argv, world) {
      const { values, positionals } = parseOptions(argv, { ...controlOptions, reason: { type: "string" }, ttl: { type: "string", default: "1h" }, owner: { type: "string" } }, action === "pin" ? 1 : 0);
      const [rung] = positionals;
      if (action === "pin" && rung === undefined) throw new UsageError("name what to pin: primary, or a rung; `pilotfish status` lists them");
      if (values.reason === undefined || values.reason.trim() === "") throw new UsageError('say why with --reason, such as --reason "answers nonsense since 14:00"');
      if (parseDurationMs(values.ttl) === undefined) throw new UsageError(`--ttl: expected a duration such as 30m or 2h, got "${values.ttl}"`);
      const api = await control(values, world);
      const answer = await api.get("POST", "/v1/overrides", { action, reason: values.reason, ttl: values.ttl, ...(rung !== undefined && { rung }), ...(values.owner !== undefined && { owner: values.owner }) });
      return told(answer, values.json, world);
    },
  };
}

function told(answer: unknown, json: boolean, world: World): number {
  if (json) {
    world.out(`${JSON.stringify(answer, null, 2)}\n`);
    return exit.done;
  }
  const { override, warnings } = set.parse(answer);
  world.out(`${inWords(override)}\nto end it before: pilotfish release\n`);
  for (const warning of warnings) world.err(`warning: ${harmless(warning)}\n`);
  return exit.done;
}

function inWords({ action, rung, owner, until, reason }: z.infer<typeof shown>): string {
  const what = action === "drain" ? "the primary is drained" : action === "hold" ? `${rung} goes on answering` : `${rung} is pinned`;
  return harmless(`${what} until ${until}, by ${owner}: ${reason}`);
}

export const pin = command("pin", {
  takes: " RUNG",
  does: "Let one backend answer, for a while.",
  more: "RUNG is primary or a rung of the ladder. It is asked first, whatever its circuit says; what it fails to answer goes down the\nladder as usual. It replaces the override in force, and ends by itself.",
  examples: ['pilotfish pin small --reason "primary answers nonsense" --ttl 30m', 'pilotfish pin primary --reason "checked by hand" --owner ada'],
});
export const hold = command("hold", {
  takes: "",
  does: "Let whoever answers now go on, for a while.",
  more: "Neither failover nor failback until it ends.",
  examples: ['pilotfish hold --reason "measuring" --ttl 10m'],
});
export const drain = command("drain", {
  takes: "",
  does: "Keep all inferences from the primary, for a while.",
  more: "The ladder answers; the primary gets none, even where nobody else answers. Those under way are finished.",
  examples: ['pilotfish drain --reason "new driver on this node" --ttl 2h'],
});

export const release: Command = {
  usage: `pilotfish release [--reason TEXT] ${controlUsage}`,
  help: `End the override in force before its time.\n\n--reason TEXT     why, for the audit log\n${controlHelp}\n\nExamples:\n  pilotfish release\n  pilotfish release --reason "rolled back" --api http://10.0.0.7:9081 --token-file token`,
  async run(argv, world) {
    const { values } = parseOptions(argv, { ...controlOptions, reason: { type: "string" } });
    const api = await control(values, world);
    const { overrides } = listed.parse(await api.get("GET", "/v1/overrides"));
    const [override] = overrides;
    if (override === undefined) {
      world.out(values.json ? '{"override":null}\n' : "no override is in force\n");
      return exit.done;
    }
    const query = values.reason === undefined ? "" : `?reason=${encodeURIComponent(values.reason)}`;
    const answer = await api.get("DELETE", `/v1/overrides/${encodeURIComponent(override.id)}${query}`);
    world.out(values.json ? `${JSON.stringify(answer, null, 2)}\n` : `released: ${inWords(released.parse(answer).override)}\n`);
    return exit.done;
  },
};

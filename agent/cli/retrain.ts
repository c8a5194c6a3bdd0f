/** `pilotfish retrain`: requests to train the model anew, and a person's own. */
import * as z from "zod";
import type { Command } from "./command.ts";
import { control, controlHelp, controlOptions, controlUsage } from "./control.ts";
import { harmless, paintFor } from "./paint.ts";
import { parseOptions, UsageError } from "./usage.ts";
import { exit, type World } from "./world.ts";

const shown = z.object({
  id: z.string(), at: z.string(), by: z.string(), reason: z.string().nullable(), state: z.string(), problem: z.string().nullable(),
  streams: z.array(z.object({ stream: z.string(), culprits: z.array(z.string()) })),
  window: z.object({ location: z.string(), rows: z.number(), actuals: z.number() }).nullable(),
  deliveries: z.array(z.object({ target: z.string(), state: z.string(), attempts: z.number(), detail: z.string() })),
});
const view = z.object({ enabled: z.boolean(), waits: z.string().nullable(), window: z.object({ rows: z.number(), actuals: z.number() }).nullable(), requests: z.array(shown) });

export const retrain: Command = {
  usage: `pilotfish retrain [request [--reason TEXT]] ${controlUsage}`,
  help: `List requests to train the model anew, or make one.\n\nWithout a word: the latest requests, what a window would carry now, and what the next one waits for. request: the window is\nwritten and the targets are told now, whatever the alarms say.\n\n--reason TEXT     for the audit log and for whoever is asked\n${controlHelp}\n\nExamples:\n  pilotfish retrain\n  pilotfish retrain request --reason "the new tax year"`,
  async run(argv, world) {
    const { values, positionals: [verb] } = parseOptions(argv, { ...controlOptions, reason: { type: "string" } }, 1);
    if (verb !== undefined && verb !== "request") throw new UsageError(`expected request, got "${verb}"`);
    if (verb === undefined && values.reason !== undefined) throw new UsageError("--reason goes with request");
    const api = await control(values, world);
    const answer = verb === undefined ? await api.get("GET", "/v1/retrain") : await api.get("POST", "/v1/retrain", values.reason === undefined ? {} : { reason: values.reason });
    if (values.json) world.out(`${JSON.stringify(answer, null, 2)}\n`);
    else world.out(`${verb === undefined ? overview(view.parse(answer), world) : line(shown.parse(answer), world)}\n`);
    return exit.done;
  },
};

function overview({ waits, window, requests }: z.infer<typeof view>, world: World): string {
  const now = window === null ? [] : [`a window would carry ${window.rows} rows now, ${window.actuals} with their true answer`];
  return [...requests.map((request) => line(request, world)), ...now, ...(waits === null ? [] : [harmless(waits)])].join("\n");
}

function line({ id, at, by, reason, state, problem, streams, window, deliveries }: z.infer<typeof shown>, world: World): string {
  const paint = paintFor(world);
  const why = reason ?? streams.map(({ stream, culprits }) => (culprits.length === 0 ? stream : `${stream} (${culprits.join(", ")})`)).join(", ");
  const carried = window === null ? (problem === null ? "" : `no window: ${problem}`) : `${window.location}: ${window.rows} rows, ${window.actuals} with their true answer`;
  const told = deliveries.map((one) => `${one.target}: ${one.state} after ${one.attempts}${one.detail === "" ? "" : ` (${one.detail})`}`);
  return [`${paint("bold", state)} ${harmless(`${id} by ${by} at ${at}${why === "" ? "" : `: ${why}`}`)}`, ...[carried, ...told].filter((part) => part !== "").map((part) => `    ${harmless(part)}`)].join("\n");
}

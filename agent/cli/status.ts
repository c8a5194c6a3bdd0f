/** `pilotfish status`: what a running Pilotfish knows, in a few lines. */
import * as z from "zod";
import { recordingDocument } from "../../exporters/recording.ts";
import { timeLine } from "../../exporters/time-line.ts";
import type { Command } from "./command.ts";
import { CallError, control, controlHelp, controlOptions, controlUsage, jsonOf, type Control } from "./control.ts";
import { harmless, paintFor, statusColour, type Paint } from "./paint.ts";
import { isWell, stateShown, type StateShown } from "./state.ts";
import { parseOptions, UsageError } from "./usage.ts";
import { exit } from "./world.ts";

const recordingList = z.object({ recordings: z.array(z.object({ id: z.string(), url: z.string() })) });

export const status: Command = {
  usage: `pilotfish status [--last-incident] ${controlUsage}`,
  help: `Tell how a running Pilotfish and its model server are.\n\n--last-incident   the time line of the last page; second by second with --json\n\nExits with 0 if the primary answers, 1 if not or if nobody is there.\n\n${controlHelp}\n\nExamples:\n  pilotfish status\n  pilotfish status --last-incident\n  pilotfish status --api unix:/run/pilotfish.sock --json`,
  async run(argv, world) {
    // --url is what --api was called at first.
    const { values } = parseOptions(argv, { ...controlOptions, "last-incident": { type: "boolean", default: false }, url: { type: "string" } });
    if (values.api !== undefined && values.url !== undefined) throw new UsageError("--url is another name of --api; give one of them");
    const api = await control({ ...values, api: values.api ?? values.url }, world, values.url === undefined ? "--api" : "--url");
    if (values["last-incident"]) {
      world.out(await lastIncident(api, values.json));
      return exit.done;
    }
    const at = `${api.at}/v1/state`;
    const { status: code, text } = await api.ask("GET", "/v1/state");
    if (code !== 200) throw new CallError(`${at}: it answered ${code}; is that the control API of a Pilotfish?`);
    const parsed = stateShown.safeParse(jsonOf(text));
    if (!parsed.success) throw new CallError(`${at}: it told no state; it is still starting, or no Pilotfish`);
    world.out(values.json ? `${text}\n` : `${statusLines(parsed.data, paintFor(world)).join("\n")}\n`);
    return isWell(parsed.data) ? exit.done : exit.failed;
  },
};

/** For people, or as it was written. */
async function lastIncident(api: Control, asJson: boolean): Promise<string> {
  const list = recordingList.safeParse(await api.get("GET", "/v1/recordings"));
  if (!list.success) throw new CallError(`${api.at}/v1/recordings: it told no recordings; is it an older Pilotfish?`);
  const [latest] = list.data.recordings;
  if (latest === undefined) throw new CallError(`${api.at}: there is no recording: nothing has paged, or store.path is not set there`);
  const recording = await api.get("GET", latest.url);
  if (asJson) return `${JSON.stringify(recording)}\n`;
  const document = recordingDocument.safeParse(recording);
  if (!document.success) throw new CallError(`${api.at}${latest.url}: the recording can not be read`);
  return timeLine(document.data);
}

function statusLines(state: StateShown, paint: Paint): readonly string[] {
  const { model, server, status: is, since, rung, reason, cause, override, ladder, probes, drift } = state;
  return [
    `${harmless(`${model.name}${model.version === null ? "" : ` version ${model.version}`} at ${server.url}`)}: ${paint(statusColour(is), is)} since ${since}`,
    `answers come from: ${rung}${reason === "normal" ? "" : ` (${reason})`}`,
    ...(cause.code === "none" ? [] : [`because: ${harmless(cause.evidence)} (${cause.detector}, ${cause.code})`]),
    ...(override ? [`override: ${override.action} of ${override.rung} by ${harmless(override.owner)} until ${override.until}; pilotfish release ends it`] : []),
    ...ladder.flatMap(({ name, price }) => (price ? [`rung ${name}: ${price.standing}, ${harmless(price.message)}${within(price.seconds.median)}`] : [])),
    ...Object.entries(probes).map(([name, { verdict, detail }]) => `probe ${name}: ${verdict}${detail === "" ? "" : `, ${harmless(detail)}`}`),
    ...drift.map(({ stream, message }) => `drift of ${stream}: ${harmless(message)}`),
  ];
}

function within(seconds: number | null): string {
  return seconds === null ? "" : `, half of its answers within ${Number((1_000 * seconds).toPrecision(2))} ms`;
}

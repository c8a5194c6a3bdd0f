/**
 * A recording as a document (what the file holds and the API gives), pure. It is written in pieces of one series each, since
 * two megabytes of JSON at once would hold up the loop for 20 ms.
 */
import * as z from "zod";
import type { Recorded } from "./flight-recorder.ts";

export interface RecordingHead {
  /** Of the time and the page's name; also the file's name. */
  readonly id: string;
  readonly version: string;
  readonly instance: string;
  readonly page: { readonly name: string; readonly summary: string; readonly description: string };
  readonly atWallMs: number;
}

/** The document, read back. Values are null where the series was not there. */
export const recordingDocument = z.object({
  id: z.string(),
  version: z.string(),
  instance: z.string(),
  page: z.object({ name: z.string(), summary: z.string(), description: z.string() }),
  at: z.string(),
  events: z.array(z.object({ at: z.string(), what: z.string(), text: z.string() })),
  /** Milliseconds since 1970, one for each value. */
  times: z.array(z.number()),
  series: z.array(z.object({ name: z.string(), labels: z.record(z.string(), z.string()), unit: z.string(), values: z.array(z.number().nullable()) })),
});
export type RecordingDocument = z.output<typeof recordingDocument>;

const idPattern = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-([A-Za-z0-9]{1,64})$/;

export function recordingId(atWallMs: number, page: string): string {
  return `${new Date(atWallMs).toISOString().replaceAll(/[-:]|\.\d+/g, "")}-${page.replaceAll(/[^A-Za-z0-9]/g, "").slice(0, 64)}`;
}

/** No path, no other file. */
export function isRecordingId(text: string): boolean {
  return idPattern.test(text);
}

/** What an id says by itself. Throws a TypeError for a text that is none. */
export function recordingTold(id: string): { readonly at: string; readonly page: string } {
  const match = idPattern.exec(id);
  if (match === null) throw new TypeError(`expected a recording's id, got "${id}"`);
  const [, year, month, day, hour, minute, second, page] = match as unknown as readonly [string, string, string, string, string, string, string, string];
  return { at: `${year}-${month}-${day}T${hour}:${minute}:${second}Z`, page };
}

/** The JSON, to be joined. */
export function* recordingPieces({ id, version, instance, page, atWallMs }: RecordingHead, { timesMs, series, events }: Recorded): Generator<string> {
  const told = events.map(({ atWallMs: eventMs, what, text }) => ({ at: iso(eventMs), what, text }));
  const head = JSON.stringify({ id, version, instance, page, at: iso(atWallMs), events: told });
  yield `${head.slice(0, -1)},"times":[${timesMs.join(",")}],"series":[`;
  let comma = "";
  for (const { name, labels, unit, values } of series) {
    yield `${comma}${JSON.stringify({ name, labels, unit }).slice(0, -1)},"values":[${Array.from(values, numberText).join(",")}]}`;
    comma = ",";
  }
  yield "]}\n";
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

/** Four digits are more than a second's sample is worth. */
function numberText(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : "null";
}

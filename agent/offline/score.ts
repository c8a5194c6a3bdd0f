/**
 * Scores a metric series row by row as it comes in: `timestamp,value` to how strange each value is, from 0 (as ever) to 1.
 * A score knows its own row and those before, so a series that is still being written can be followed.
 */
import { seriesScore } from "../../detectors/anomaly/series-score.ts";
import { delimiterIn } from "./csv-records.ts";
import { InputError, quoted } from "./input-error.ts";
import { readLines } from "./lines.ts";
import { fieldValue, finiteNumber } from "./number.ts";
import { parseTimeMs, timeExpected } from "./times.ts";

export interface ScoredRow {
  /** As it came. */
  readonly timestamp: string;
  readonly score: number;
  readonly kind: string;
  readonly message?: string | undefined;
}

export interface Scored {
  /** Whether the series has a header, so that what is made of it has one too. */
  readonly hasHeader: boolean;
  readonly rows: readonly ScoredRow[];
}

const timeNames = ["timestamp", "time", "datetime", "date", "ts", "ds"];
const valueNames = ["value", "y"];

interface Layout {
  readonly hasHeader: boolean;
  readonly time: number;
  readonly value: number;
  readonly fields: number;
}

interface Row {
  readonly fields: readonly string[];
  /** From 1. */
  readonly line: number;
}

/**
 * @param name of the series, for messages. Yields what each piece of the text has completed; blank lines are left out.
 * Throws an InputError for a row without a time, with a value that is no number, or with a field too many or too few.
 */
export async function* scoreSeries(name: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Scored> {
  const scorer = seriesScore();
  let state = scorer.start();
  let delimiter: string | undefined;
  let layout: Layout | undefined;
  let line = 0;
  let any = false;
  for await (const lines of readLines(bytes)) {
    const rows: ScoredRow[] = [];
    let failure: unknown;
    try {
      for (const text of lines) {
        line += 1;
        if (text.trim() === "") continue;
        delimiter ??= delimiterIn(text);
        const row: Row = { fields: fieldsOf(text, delimiter), line };
        const isFirst = layout === undefined;
        layout ??= layoutOf(name, row);
        if (isFirst && layout.hasHeader) continue;
        any = true;
        const { timestamp, atMs, value } = parse(name, row, layout);
        state = scorer.step(state, atMs, value);
        const { score, kind, message } = scorer.read(state);
        rows.push({ timestamp, score: Number(score.toFixed(6)), kind, message });
      }
    } catch (error) {
      failure = error; // told after the rows before it
    }
    if (layout !== undefined) yield { hasHeader: layout.hasHeader, rows };
    if (failure instanceof RangeError) throw new InputError(`${name}: line ${line}: ${failure.message}`);
    if (failure !== undefined) throw failure;
  }
  if (!any) throw new InputError(`${name}: there is not a single row of timestamp and value`);
}

/** A line of CSV. No field of a series spans lines, so a line is scored as soon as it is there. */
function fieldsOf(line: string, delimiter: string): readonly string[] {
  if (!line.includes('"')) return line.split(delimiter);
  const fields: string[] = [];
  let field = "";
  let inQuotes = false;
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at] as string;
    if (character === delimiter && !inQuotes) {
      fields.push(field);
      field = "";
    } else if (character !== '"') field += character;
    else if (inQuotes && line[at + 1] === '"') field += line[(at += 1)];
    else inQuotes = !inQuotes;
  }
  return [...fields, field];
}

/** The first line is a header where nothing in it is a time or a number. */
function layoutOf(name: string, { fields, line }: Row): Layout {
  if (fields.length < 2) throw new InputError(`${name}: line ${line}: expected timestamp and value with a comma between them, got ${quoted(fields.join())}`);
  if (fields.some((field) => parseTimeMs(field) !== undefined || finiteNumber(field) !== undefined)) {
    return { hasHeader: false, time: 0, value: 1, fields: fields.length };
  }
  const names = fields.map((field) => field.trim().toLowerCase());
  const time = names.findIndex((one) => timeNames.includes(one));
  if (time < 0) throw new InputError(`${name}: line ${line}: expected a column named ${timeNames.join(", ")}, got ${fields.join(", ")}`);
  const named = names.findIndex((one) => valueNames.includes(one));
  const value = named < 0 && fields.length === 2 ? 1 - time : named;
  if (value < 0) throw new InputError(`${name}: line ${line}: expected a column named value, got ${fields.join(", ")}`);
  return { hasHeader: true, time, value, fields: fields.length };
}

function parse(name: string, { fields, line }: Row, layout: Layout): { readonly timestamp: string; readonly atMs: number; readonly value: number } {
  const at = `${name}: line ${line}`;
  if (fields.length !== layout.fields) throw new InputError(`${at}: expected ${layout.fields} fields as in the first line, got ${fields.length}`);
  const timestamp = fields[layout.time] as string;
  const atMs = parseTimeMs(timestamp);
  if (atMs === undefined) throw new InputError(`${at}, column timestamp: expected ${timeExpected}, got ${quoted(timestamp)}`);
  const value = fieldValue(fields[layout.value] as string);
  if (typeof value === "string" || Math.abs(value ?? 0) === Infinity) {
    throw new InputError(`${at}, column value: expected a finite number, or nothing where it is missing, got ${quoted(fields[layout.value] as string)}`);
  }
  return { timestamp, atMs, value: value ?? NaN };
}

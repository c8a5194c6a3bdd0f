/** A file of true answers as the API takes them: CSV with a column of ids and one of values, or JSON lines as they are posted. */
import { csvRecords } from "../offline/csv-records.ts";
import { readLines } from "../offline/lines.ts";
import { InputError, quoted } from "../offline/input-error.ts";

export interface PostedActual {
  readonly inference_id: string;
  readonly actual?: number | string | boolean;
  readonly actuals?: readonly (number | string | boolean)[];
}

/** A row, or what is wrong with it: the line first. */
export type ActualRow = { readonly line: number; readonly actual: PostedActual } | { readonly line: number; readonly mistake: string };

export interface Columns {
  readonly id: string;
  readonly actual: string;
}

const idMax = 200;
const textMax = 1_000;

/** Throws an InputError where the file as a whole can not be read. A number is read as one, true and false as such, all else is text. */
export async function* csvActuals(name: string, bytes: AsyncIterable<Uint8Array>, { id, actual }: Columns): AsyncGenerator<ActualRow> {
  let places: readonly [number, number] | undefined;
  for await (const records of csvRecords(name, bytes)) {
    for (const { fields, line } of records) {
      if (places === undefined) {
        const header = fields.map((field) => field.trim());
        const missing = [id, actual].filter((column) => !header.includes(column));
        if (missing.length > 0) throw new InputError(`${name}: there is no column ${missing.join(" and none ")}; there are ${header.slice(0, 20).join(", ")}. --id and --actual name others`);
        places = [header.indexOf(id), header.indexOf(actual)];
        continue;
      }
      const [itsId, value] = places.map((place) => (fields[place] ?? "").trim()) as [string, string];
      if (value === "") yield { line, mistake: `${actual} is empty` };
      else yield checked(line, { inference_id: itsId, actual: valueOf(value) });
    }
  }
}

/** An object a line: `{"inference_id": "...", "actual": 1}`, or `actuals` with one for each row. */
export async function* jsonActuals(bytes: AsyncIterable<Uint8Array>, { id, actual }: Columns): AsyncGenerator<ActualRow> {
  let line = 0;
  for await (const lines of readLines(bytes)) {
    for (const text of lines) {
      line += 1;
      if (text.trim() !== "") yield rowOf(line, text, { id, actual });
    }
  }
}

function rowOf(line: number, text: string, { id, actual }: Columns): ActualRow {
  let row: Readonly<Record<string, unknown>>;
  try {
    row = JSON.parse(text) as typeof row;
  } catch {
    return { line, mistake: `no JSON: ${quoted(text)}` };
  }
  if (typeof row !== "object" || row === null || Array.isArray(row)) return { line, mistake: `expected an object such as {"inference_id": "a1", "actual": 1}, got ${quoted(text)}` };
  const [itsId, one, many] = [row[id], row[actual], row["actuals"]];
  if (typeof itsId !== "string" && typeof itsId !== "number") return { line, mistake: `${id} is missing` };
  if ((one === undefined || one === null) === (many === undefined)) return { line, mistake: `expected either ${actual} or actuals` };
  const values = many === undefined ? [one] : many;
  if (!Array.isArray(values) || values.length === 0 || !values.every(isValue)) return { line, mistake: "expected numbers, texts or booleans as what came true" };
  return checked(line, { inference_id: String(itsId), ...(many === undefined ? { actual: values[0] as number } : { actuals: values as readonly number[] }) });
}

function checked(line: number, actual: PostedActual): ActualRow {
  if (actual.inference_id === "" || actual.inference_id.length > idMax) return { line, mistake: `the id of an inference has 1 to ${idMax} characters, got ${quoted(actual.inference_id)}` };
  const values = actual.actuals ?? [actual.actual];
  if (values.length > 10_000) return { line, mistake: "more than 10000 values" };
  return values.some((value) => typeof value === "string" && value.length > textMax) ? { line, mistake: `a value is longer than ${textMax} characters` } : { line, actual };
}

function isValue(value: unknown): value is number | string | boolean {
  return typeof value === "number" || typeof value === "string" || typeof value === "boolean";
}

function valueOf(text: string): number | string | boolean {
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
  const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : text;
}

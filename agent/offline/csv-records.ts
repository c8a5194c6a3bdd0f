/**
 * Records of a CSV text as it comes in: RFC 4180 with a byte-order mark, any line end, and comma, semicolon or tab between
 * fields, whichever the first line holds most of. The parser looks some bytes ahead, so the last record of a piece may come
 * with the next one.
 */
import { parse, type CsvError } from "csv-parse";
import { InputError } from "./input-error.ts";

export interface CsvRecord {
  readonly fields: readonly string[];
  /** In the file, from 1: that on which the record ends. */
  readonly line: number;
}

/** Longer than this, a quotation mark is missing somewhere. */
const recordBytesMax = 4 * 1_048_576;

/** @param name of the file, for messages. Yields what each piece of the text has completed; blank lines are left out. */
export async function* csvRecords(name: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<readonly CsvRecord[]> {
  let records: CsvRecord[] = [];
  let failure: Error | undefined;
  const parserFor = (delimiter: string) =>
    parse({
      bom: true,
      delimiter,
      record_delimiter: ["\r\n", "\n"],
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      max_record_size: recordBytesMax,
      // Kept here and not pushed on, since a stream of single records costs more than the parsing.
      on_record: (fields: string[], { lines }) => {
        records.push({ fields, line: lines });
        return null;
      },
    }).on("error", (error) => (failure = error));

  let parser: ReturnType<typeof parserFor> | undefined;
  for await (const piece of withFirstLine(bytes)) {
    parser ??= parserFor(delimiterOf(name, piece));
    await new Promise<void>((resolve) => parser?.write(piece, () => resolve()));
    if (failure !== undefined) throw new InputError(why(name, failure));
    if (records.length > 0) yield records;
    records = [];
  }
  if (parser === undefined) return;
  const ending = parser;
  await new Promise<void>((resolve) => ending.once("close", resolve).resume().end());
  if (failure !== undefined) throw new InputError(why(name, failure));
  if (records.length > 0) yield records;
}

/** The same bytes, the first piece of them holding the whole first line. */
async function* withFirstLine(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let held: Uint8Array[] | undefined = [];
  for await (const piece of bytes) {
    if (held === undefined) {
      yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
      continue;
    }
    held.push(piece);
    if (!piece.includes(10)) continue;
    yield Buffer.concat(held);
    held = undefined;
  }
  if (held !== undefined && held.length > 0) yield Buffer.concat(held);
}

function delimiterOf(name: string, start: Buffer): string {
  if ((start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff)) {
    throw new InputError(`${name}: the text is UTF-16; save it as UTF-8`);
  }
  return delimiterIn(start.subarray(0, recordBytesMax).toString("latin1"));
}

/** What most of stands in the first line of a text, outside quotation marks; a comma where there is none. */
export function delimiterIn(text: string): string {
  const counts = new Map([",", ";", "\t"].map((delimiter) => [delimiter, 0]));
  let inQuotes = false;
  for (const character of text) {
    if (character === '"') inQuotes = !inQuotes;
    else if (inQuotes) continue;
    else if (character === "\n") break;
    else if (counts.has(character)) counts.set(character, (counts.get(character) as number) + 1);
  }
  return [...counts].reduce((most, one) => (one[1] > most[1] ? one : most))[0];
}

function why(name: string, error: Error): string {
  const { code, lines } = error as CsvError & { readonly lines?: number };
  const at = `${name}: line ${lines ?? "?"}`;
  if (code === "CSV_QUOTE_NOT_CLOSED") return `${name}: a quotation mark is opened and never closed; look from line ${lines ?? 1} on`;
  if (code === "CSV_MAX_RECORD_SIZE") return `${at}: a record is longer than 4 MiB; is a quotation mark missing?`;
  return `${at}: ${error.message}`;
}

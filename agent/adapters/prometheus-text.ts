/**
 * Reads metrics in the Prometheus text format 0.0.4, and what is harmless of OpenMetrics: exemplars, `# EOF`, `# UNIT`, times
 * with a fraction. As strict as Prometheus's own reader otherwise, so a page that was cut short is refused, not half believed.
 * Of a series that is there twice the first counts, as where Prometheus scrapes.
 * Source: the exposition format's page in Prometheus's documentation, and the OpenMetrics 1.0 specification.
 */
import { isUtf8 } from "node:buffer";

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** May be NaN or infinite. */
  readonly value: number;
}

/** `duplicates`: how many samples were left out because their series was there before. */
export type Parsed = { readonly ok: true; readonly samples: readonly Sample[]; readonly duplicates: number } | { readonly ok: false; readonly line: number; readonly detail: string };

export interface Bounds {
  readonly charactersMax: number;
  readonly samplesMax: number;
}

/** Times are ignored, and so are help texts. Costs time and memory in proportion to the text: about 30 ms a megabyte, measured. */
export function parsePrometheusText(page: string | Uint8Array, { charactersMax, samplesMax }: Bounds = { charactersMax: 1_048_576, samplesMax: 10_000 }): Parsed {
  if (page.length > charactersMax) return { ok: false, line: 1, detail: `more than ${charactersMax} ${typeof page === "string" ? "characters" : "bytes"}` };
  if (typeof page !== "string" && !isUtf8(page)) return { ok: false, line: 1, detail: "is not UTF-8" };
  return parseText(typeof page === "string" ? page : Buffer.from(page.buffer, page.byteOffset, page.length).toString("utf8"), samplesMax);
}

function parseText(text: string, samplesMax: number): Parsed {
  const page: Page = { openMetrics: /\n# EOF\n?$/.test(text.slice(-8)), types: new Map(), helped: new Set(), seen: new Set(), series: new Set(), samples: [], duplicates: 0 };
  let line = 0;
  let start = 0;
  try {
    while (start < text.length) {
      line += 1;
      const end = text.indexOf("\n", start);
      readLine(page, text.slice(start, end < 0 ? undefined : end));
      if (end < 0 && !page.openMetrics) throw new Malformed("the last line has no end");
      if (page.samples.length + page.duplicates > samplesMax) throw new Malformed(`more than ${samplesMax} samples`);
      start = end < 0 ? text.length : end + 1;
    }
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, line, detail: error.message };
    throw error;
  }
  return { ok: true, samples: page.samples, duplicates: page.duplicates };
}

class Malformed extends Error {}

interface Page {
  readonly openMetrics: boolean;
  readonly types: Map<string, string>;
  readonly helped: Set<string>;
  /** Names of samples, since a type must come before them. */
  readonly seen: Set<string>;
  /** Names with their labels. */
  readonly series: Set<string>;
  readonly samples: Sample[];
  duplicates: number;
}

const types = new Set(["counter", "gauge", "summary", "histogram", "untyped", "unknown", "info", "stateset", "gaugehistogram"]);

function readLine(page: Page, line: string): void {
  const blanks = /^[ \t]*/.exec(line)?.[0].length ?? 0;
  if (blanks === line.length) return;
  if (line[blanks] === "#") readComment(page, line.slice(blanks + 1));
  else readSample(page, line, blanks);
}

function readComment(page: Page, comment: string): void {
  const [keyword, name, text] = comment.trim().split(/[ \t]+/);
  if ((keyword !== "HELP" && keyword !== "TYPE") || name === undefined) return;
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) throw new Malformed(`"${name}" is no metric's name`);
  if (text === undefined) return;
  if (keyword === "HELP") {
    if (page.helped.has(name)) throw new Malformed(`a second HELP for ${name}`);
    page.helped.add(name);
    return;
  }
  if (page.types.has(name)) throw new Malformed(`a second TYPE for ${name}`);
  if (page.seen.has(name)) throw new Malformed(`the TYPE of ${name} comes after its samples`);
  if (!types.has(text)) throw new Malformed(`"${text}" is no type`);
  page.types.set(name, text);
}

/** `name{label="value",...} value [time] [# exemplar]` */
function readSample(page: Page, line: string, from: number): void {
  const name = take(/[a-zA-Z_:][a-zA-Z0-9_:]*/y, line, from);
  if (name === "") throw new Malformed(`"${line.slice(from, from + 20)}" does not begin with a metric's name`);
  let at = skipBlanks(line, from + name.length);
  const labels: Record<string, string> = {};
  if (line[at] === "{") at = readLabels(page, name, line, at + 1, labels);

  const rest = line.slice(at);
  const hash = rest.indexOf("#");
  const [value, time, ...more] = (hash < 0 ? rest : rest.slice(0, hash)).trim().split(/[ \t]+/);
  const number = parseValue(value ?? "");
  if (number === undefined) throw new Malformed(`${name}: "${value}" is no number`);
  if (time !== undefined && !(page.openMetrics ? /^-?\d+(\.\d+)?$/ : /^-?\d+$/).test(time)) throw new Malformed(`${name}: "${time}" is no time`);
  if (more.length > 0) throw new Malformed(`${name}: "${more[0]}" after the time`);
  page.seen.add(name);
  const series = seriesKey(name, labels);
  if (page.series.has(series)) {
    page.duplicates += 1;
    return;
  }
  page.series.add(series);
  page.samples.push({ name, labels, value: number });
}

/** The same for the same labels in whatever order; a quotation mark can not be in a name. */
function seriesKey(name: string, labels: Readonly<Record<string, string>>): string {
  const names = Object.keys(labels);
  if (names.length > 1) names.sort();
  let key = name;
  for (const label of names) key += `"${label}"${(labels[label] as string).replaceAll('"', '""')}`;
  return key;
}

/** Reads up to and with the closing bracket; a comma after the last label is allowed, TorchServe writes one. */
function readLabels(page: Page, name: string, line: string, from: number, labels: Record<string, string>): number {
  let at = skipBlanks(line, from);
  while (line[at] !== "}") {
    const label = take(/[a-zA-Z_][a-zA-Z0-9_]*/y, line, at);
    if (label === "" || label === "__name__") throw new Malformed(`${name}: "${label || (line[at] ?? "the end")}" is no label's name`);
    at = skipBlanks(line, at + label.length);
    if (line[at] !== "=") throw new Malformed(`${name}: expected = after label ${label}`);
    at = skipBlanks(line, at + 1);
    if (Object.hasOwn(labels, label)) throw new Malformed(`${name}: label ${label} is there twice`);
    const quoted = take(/"(?:[^"\\]|\\[\\n"])*"/y, line, at);
    if (quoted === "") throw new Malformed(`${name}: the value of label ${label} is not quoted, not closed, or escapes what needs none`);
    const value = quoted.includes("\\") ? quoted.slice(1, -1).replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped)) : quoted.slice(1, -1);
    if (label === "__proto__") Object.defineProperty(labels, label, { value, enumerable: true });
    else labels[label] = value;
    at = skipBlanks(line, at + quoted.length);
    if (line[at] === ",") at = skipBlanks(line, at + 1);
    else if (line[at] !== "}") throw new Malformed(`${name}: expected , or } after label ${label}`);
  }
  const bound = page.types.get(name) === "summary" ? labels["quantile"] : page.types.get(name.replace(/_bucket$/, "")) === "histogram" ? labels["le"] : undefined;
  if (bound !== undefined && parseValue(bound) === undefined) throw new Malformed(`${name}: "${bound}" is no bound`);
  return at + 1;
}

/** What the pattern (sticky) matches at this place; empty where it does not. */
function take(pattern: RegExp, line: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(line)?.[0] ?? "";
}

function skipBlanks(line: string, from: number): number {
  let at = from;
  while (line[at] === " " || line[at] === "\t") at += 1;
  return at;
}

const words: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Infinity, "+inf": Infinity, "-inf": -Infinity, infinity: Infinity, "+infinity": Infinity, "-infinity": -Infinity };

function parseValue(text: string): number | undefined {
  if (/^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(text)) return Number(text);
  return words[text.toLowerCase()];
}

/**
 * The text of a scrape in OpenMetrics 1.0.0, pure: series to lines, and with each bucket of a histogram a trace that fell into it.
 * OpenTelemetry's serialiser, which writes the older format (text-format.ts), knows neither this one nor exemplars.
 * Source: OpenMetrics specification 1.0.0.
 */
import { unitSuffix } from "./instruments.ts";
import { pieces, type Part } from "./pieces.ts";
import type { Exemplar, FamilyView, SeriesView } from "./series-view.ts";

/** So many lines are one piece, well below a millisecond of work. */
const pieceLines = 500;

/** @param constantLabels carried by every series. Cost: about 0.6 us a line, in pieces. */
export function* openMetrics(families: Iterable<FamilyView>, constantLabels: Readonly<Record<string, string>> = {}): Generator<string> {
  const constant = Object.entries(constantLabels).map(([name, value]) => labelText(name, value));
  for (const parts of pieces(families, pieceLines)) yield parts.map((part) => partText(part, constant)).join("");
  yield "# EOF\n";
}

function partText({ family, name, series, continued }: Part, constant: readonly string[]): string {
  let text = continued ? "" : headOf(family, name);
  for (const one of series) text += seriesText(family, name, one, constant);
  return text;
}

function headOf({ instrument }: FamilyView, name: string): string {
  // A counter's family is named without the suffix that its samples have.
  const family = instrument.kind === "counter" ? name.slice(0, -"_total".length) : name;
  const unit = unitSuffix(instrument).slice(1);
  const unitLine = unit !== "" && family.endsWith(`_${unit}`) ? `# UNIT ${family} ${unit}\n` : "";
  return `# HELP ${family} ${escapeValue(instrument.help)}\n# TYPE ${family} ${instrument.kind}\n${unitLine}`;
}

function seriesText({ instrument, bounds }: FamilyView, name: string, series: SeriesView, constant: readonly string[]): string {
  const labels = labelsText(series.attributes, constant);
  if (instrument.kind !== "histogram") return `${name}${labels === "" ? "" : `{${labels}}`} ${numberText(series.value)}\n`;
  const before = labels === "" ? "" : `${labels},`;
  let text = "";
  let count = 0;
  for (let i = 0; i <= bounds.length; i += 1) {
    count += series.counts[i] as number;
    // OpenMetrics would rather have 1.0 than 1, but then the two formats would be two series to a Prometheus below 3.
    const bound = i === bounds.length ? "+Inf" : bounds[i];
    text += `${name}_bucket{${before}le="${bound}"} ${count}${exemplarText(series.exemplars?.[i])}\n`;
  }
  const braces = labels === "" ? "" : `{${labels}}`;
  return `${text}${name}_sum${braces} ${numberText(series.value)}\n${name}_count${braces} ${count}\n`;
}

/** OpenMetrics allows 128 characters of names and values; these are 63. */
function exemplarText(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return "";
  const { traceId, spanId, value, atWallMs } = exemplar;
  return ` # {trace_id="${traceId}",span_id="${spanId}"} ${numberText(value)} ${(atWallMs / 1_000).toFixed(3)}`;
}

function labelsText(attributes: SeriesView["attributes"], constant: readonly string[]): string {
  let text = "";
  for (const name in attributes) text += `${text === "" ? "" : ","}${labelText(name, String(attributes[name]))}`;
  for (const one of constant) text += text === "" ? one : `,${one}`;
  return text;
}

function labelText(name: string, value: string): string {
  return `${name.replaceAll(".", "_")}="${/[\\"\n]/.test(value) ? escapeValue(value) : value}"`;
}

function escapeValue(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function numberText(value: number): string {
  return value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value);
}

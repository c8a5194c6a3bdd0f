/**
 * The text of a scrape, pure: series to lines, in Prometheus's format 0.0.4 or in OpenMetrics 1.0.0, which also tells of each
 * bucket a trace that fell into it.
 *
 * It comes in pieces, so that whoever writes it can let others run in between. OpenTelemetry's serializer is not used: it
 * blocks the loop for all of it, knows no exemplars, leaves the unit out of the name and brings 20 MB of SDK with it.
 * Sources: Prometheus, Exposition formats; OpenMetrics specification 1.0.0.
 */
import { prometheusName, unitSuffix } from "./instruments.ts";
import type { Exemplar, FamilyView, SeriesView } from "./meter.ts";

export type ExpositionFormat = "text" | "openmetrics";

export const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** So many lines are one piece, about 0.3 ms of work. */
const pieceLines = 500;

/** @param constantLabels carried by every series. Cost: about 0.6 us a line. */
export function* exposition(families: Iterable<FamilyView>, format: ExpositionFormat, constantLabels: Readonly<Record<string, string>> = {}): Generator<string> {
  const constant = Object.entries(constantLabels).map(([name, value]) => labelText(name, value));
  // Families come in the order of their names; only views are kept meanwhile.
  const sorted = [...families].map((family) => ({ family, name: prometheusName(family.instrument) })).sort((a, b) => (a.name < b.name ? -1 : 1));
  let piece = "";
  let lines = 0;
  for (const { family, name } of sorted) {
    let head = headOf(family, name, format);
    for (const series of family.series) {
      // The head goes with the first series: one whose last has vanished meanwhile is left out altogether.
      piece += head + seriesText(family, name, series, format, constant);
      head = "";
      lines += family.bounds.length === 0 ? 1 : family.bounds.length + 3;
      if (lines < pieceLines) continue;
      yield piece;
      piece = "";
      lines = 0;
    }
  }
  yield format === "openmetrics" ? `${piece}# EOF\n` : piece;
}

function headOf({ instrument }: FamilyView, name: string, format: ExpositionFormat): string {
  // OpenMetrics names a counter's family without the suffix that its samples have.
  const family = format === "openmetrics" && instrument.kind === "counter" ? name.slice(0, -"_total".length) : name;
  const unit = unitSuffix(instrument).slice(1);
  const unitLine = format === "openmetrics" && unit !== "" && family.endsWith(`_${unit}`) ? `# UNIT ${family} ${unit}\n` : "";
  const help = escapeHelp(instrument.help, format);
  return `# HELP ${family} ${help}\n# TYPE ${family} ${instrument.kind}\n${unitLine}`;
}

function seriesText({ instrument, bounds }: FamilyView, name: string, series: SeriesView, format: ExpositionFormat, constant: readonly string[]): string {
  const labels = labelsText(series.attributes, constant);
  if (instrument.kind !== "histogram") return `${name}${labels === "" ? "" : `{${labels}}`} ${numberText(series.value)}\n`;
  const before = labels === "" ? "" : `${labels},`;
  let text = "";
  let count = 0;
  for (let i = 0; i <= bounds.length; i += 1) {
    count += series.counts[i] as number;
    // OpenMetrics would rather have 1.0 than 1, but then the two formats would be two series to a Prometheus below 3.
    const bound = i === bounds.length ? "+Inf" : bounds[i];
    const exemplar = format === "openmetrics" ? exemplarText(series.exemplars?.[i]) : "";
    text += `${name}_bucket{${before}le="${bound}"} ${count}${exemplar}\n`;
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

function escapeHelp(help: string, format: ExpositionFormat): string {
  const escaped = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return format === "openmetrics" ? escaped.replaceAll('"', '\\"') : escaped;
}

function numberText(value: number): string {
  return value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value);
}

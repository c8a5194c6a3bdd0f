/** docs/METRICS.md from the catalogue, pure: every series with its name on the wire, kind, unit, labels and help. */
import { instruments, prometheusName, type AnyInstrument } from "./instruments.ts";

export function metricsPage(catalogue: readonly AnyInstrument[] = Object.values(instruments)): string {
  const rows = catalogue.map((instrument) => [prometheusName(instrument), instrument] as const).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `# Metrics

Every series that Pilotfish exports, by its name in Prometheus. The name is the same by scrape and by OTLP through a Collector
that adds units and types to names, as it does by default. \`docs/generate.ts\` writes this page from \`exporters/instruments.ts\`.

- \`GET /metrics\`: text of format 0.0.4, or OpenMetrics 1.0.0 where the client asks for it; with exemplars then: the latest
  sampled request of each bucket, by \`trace_id\` and \`span_id\`. Packed with gzip where the client takes it.
- OTLP: the name in OpenTelemetry, cumulative; histograms in the buckets below or, with \`otlp.histograms: exponential\`, in
  buckets that follow the values.
- An instrument has at most 2,000 label sets. What is added beyond goes to a series whose only label is
  \`otel_metric_overflow\`, and counts in \`pilotfish_dropped_total{what="series"}\`. A series whose source is gone vanishes.
- Buckets, in seconds: ${bucketsOf(catalogue)}.

| series | OpenTelemetry | kind | unit | labels | what |
|---|---|---|---|---|---|
${rows.map(([name, instrument]) => rowOf(name, instrument)).join("\n")}
`;
}

function rowOf(name: string, { name: dotted, kind, unit, labels, help }: AnyInstrument): string {
  const cells = [code(name), code(dotted), kind, unit === "" ? "" : code(unit), labels.map(code).join(" "), help.replaceAll("|", "\\|")];
  return `| ${cells.join(" | ")} |`.replaceAll(/ {2,}/g, " ");
}

function bucketsOf(catalogue: readonly AnyInstrument[]): string {
  const all = new Set(catalogue.flatMap(({ buckets }) => (buckets === undefined ? [] : [buckets.join(" ")])));
  return [...all].join("; ");
}

function code(text: string): string {
  return `\`${text}\``;
}

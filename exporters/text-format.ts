/**
 * The text of a scrape in Prometheus's format 0.0.4, written by OpenTelemetry's serialiser, piece by piece.
 *
 * On its own the serialiser leaves the unit out of the name, which a Collector would put in, so a dashboard would work on one of
 * the two paths only; here every family is renamed to `prometheusName` first. And it writes all at once, about 1 us a line: it is
 * given a piece at a time, and the comments that it puts before every family are taken off where a family goes on.
 */
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { hrTime } from "./hr-time.ts";
import { metricData } from "./metric-data.ts";
import { pieces, type Part } from "./pieces.ts";
import type { FamilyView } from "./series-view.ts";

/** So many lines are one piece, well below a millisecond of work. */
const pieceLines = 250;
/** Times are not written. */
const anyTime = hrTime(0);
const twoComments = /^#.*\n#.*\n/;

/** @param constantLabels carried by every series: the serialiser, where it takes any, takes them from the resource. Cost: about 1 us a line, in pieces. */
export function* textFormat(families: Iterable<FamilyView>, constantLabels: Readonly<Record<string, string>> = {}): Generator<string> {
  // No prefix, no times; as constant labels all of the resource; no series of the target and no scope.
  const serializer = new PrometheusSerializer("", false, /^/, true, true);
  const resource = { attributes: constantLabels } as ResourceMetrics["resource"];
  for (const parts of pieces(families, pieceLines)) {
    const text = serializer.serialize({ resource, scopeMetrics: [{ scope: { name: "pilotfish" }, metrics: parts.map(metricOf) }] });
    yield parts[0]?.continued === true ? text.replace(twoComments, "") : text;
  }
}

function metricOf({ family, name, series }: Part) {
  const metric = metricData(family, series, anyTime, false);
  // The unit is in the name; left in the descriptor it would become a comment that this format does not know.
  return { ...metric, descriptor: { ...metric.descriptor, name, unit: "" } };
}

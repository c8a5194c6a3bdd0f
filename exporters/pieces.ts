/** A scrape cut into pieces of bounded work, so that whoever writes it can let others run in between. Pure. */
import { prometheusName } from "./instruments.ts";
import type { FamilyView, SeriesView } from "./series-view.ts";

/** As many series of a family as found place in one piece. */
export interface Part {
  readonly family: FamilyView;
  /** In Prometheus. */
  readonly name: string;
  readonly series: readonly SeriesView[];
  /** Its first series stood in an earlier piece, and with them its comments. */
  readonly continued: boolean;
}

/**
 * Families by name, at most about `linesMax` lines of text a piece. Series are read when a piece is asked for: what vanishes in
 * between is left out, and a family whose last series has vanished altogether.
 */
export function* pieces(families: Iterable<FamilyView>, linesMax: number): Generator<readonly Part[]> {
  const sorted = [...families].map((family) => ({ family, name: prometheusName(family.instrument) })).sort((a, b) => (a.name < b.name ? -1 : 1));
  let parts: Part[] = [];
  let lines = 0;
  for (const { family, name } of sorted) {
    const linesEach = family.bounds.length === 0 ? 1 : family.bounds.length + 3;
    let series: SeriesView[] = [];
    let continued = false;
    for (const one of family.series) {
      if (series.length === 0) parts.push({ family, name, series, continued });
      series.push(one);
      lines += linesEach;
      if (lines < linesMax) continue;
      yield parts;
      parts = [];
      lines = 0;
      series = [];
      continued = true;
    }
  }
  if (parts.length > 0) yield parts;
}

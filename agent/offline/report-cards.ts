/** A report's card of one feature: what changed, its shape against the reference's, and its distance over the chunks. */
import { comparedReference, isComparedByBins } from "./measures.ts";
import type { RankedFeature } from "./ranking.ts";
import type { Replay } from "./replay.ts";
import { placeOf, xAxis } from "./report-axis.ts";
import { plot, shapes, spark } from "./report-plots.ts";
import { changeOf, escaped, percent } from "./report-words.ts";
import { short } from "./text-table.ts";

/** Features whose card is open. */
const openMax = 6;
/** Also where they did not move. */
const openAlways = 2;
/** Features that tell their figures where the pointer rests: those of all would be most of the file. */
const titledMax = 30;
const windowsShown = 5;

/** @param index of the feature among all, worst first. */
export function card(replay: Replay, feature: RankedFeature, index: number): string {
  const { reference, distances, noise, worst, firstAlarm, alarms, alarmName } = feature;
  const badge = firstAlarm === undefined ? "" : ` <span class="badge">${alarms} ${alarms === 1 ? "alarm" : "alarms"}</span>`;
  const cause = replay.causes.find(({ feature: name }) => name === reference.name);
  const said = `${escaped(changeOf(replay, feature, worst))} <span class="soft">in chunk ${worst}</span>${cause === undefined ? "" : `<br><b>${escaped(cause.message)}</b>`}`;
  const ticks = replay.alarms.filter(({ feature: name }) => name !== undefined && name === alarmName).map(({ row }) => placeOf(replay, row));
  const titles = index < titledMax ? distances.map((distance, chunk) => `chunk ${chunk}: ${distance?.toFixed(4) ?? "none"}`) : undefined;
  return `<details class="card"${index < openMax && (alarms > 0 || index < openAlways) ? " open" : ""}><summary><span><h3>${escaped(reference.name)}${badge}</h3><span class="soft small">${kindText(feature)}</span></span>${spark(distances, noise)}<span class="said small">${said}</span></summary><div>
${multiples(replay, feature)}
${plot({ lines: [{ name: "distance", values: distances }], limits: [noise], ticks, titles, floor: 0 })}${xAxis(replay)}
${facts(replay, feature)}
</div></details>`;
}

function kindText({ reference }: RankedFeature): string {
  return reference.kind === "numeric" ? `number, ${short(reference.min)} to ${short(reference.max)}` : `category, ${reference.values.length} values`;
}

/** The reference against some windows: of each fifth of the chunks the one that lies furthest away. */
function multiples({ shapes: counted, chunks }: Replay, { reference, distances }: RankedFeature): string {
  const groups = Math.min(windowsShown, chunks.length);
  const picked = Array.from({ length: groups }, (_, group) => {
    const from = Math.floor((group * chunks.length) / groups);
    const to = Math.floor(((group + 1) * chunks.length) / groups);
    return Array.from({ length: to - from }, (__, i) => from + i).reduce((best, chunk) => ((distances[chunk] ?? -1) > (distances[best] ?? -1) ? chunk : best), from);
  });
  const cells = shownCells(reference);
  const before = cells.ratios(comparedReference(reference));
  const windows = picked.map((chunk) => ({ chunk, ratios: cells.ratios(counted[chunk]?.get(reference.name) ?? []) }));
  // One scale for all; a window of one value alone is cut off rather than make the others flat.
  const most = Math.min(2 * Math.max(...before), Math.max(...before, ...windows.flatMap(({ ratios }) => ratios))) * 1.05 || 1;
  return `<div class="multiples">${windows
    .map(({ chunk, ratios }) => `<div><div class="name">chunk ${chunk} · ${distances[chunk]?.toFixed(3) ?? ""}</div>${shapes(before, ratios, most)}<div class="ends"><span>${escaped(cells.low)}</span><span>${escaped(cells.high)}</span></div></div>`)
    .join("")}</div>`;
}

interface ShownCells {
  /** Of the rows, per cell that is drawn. */
  readonly ratios: (counts: ArrayLike<number>) => number[];
  readonly low: string;
  readonly high: string;
}

const categoriesShown = 24;

/** Categories with the most frequent first and all others last; numbers in their order, without the cells for what is none. */
function shownCells(reference: RankedFeature["reference"]): ShownCells {
  if (reference.kind === "categorical") {
    const cells = [...reference.counts.keys()].filter((cell) => cell < reference.values.length).sort((a, b) => (reference.counts[b] as number) - (reference.counts[a] as number));
    const shown = cells.slice(0, categoriesShown);
    const ratios = (counts: ArrayLike<number>) => {
      const rows = total(counts);
      const own = shown.map((cell) => ratio(counts[cell], rows));
      return [...own, Math.max(0, 1 - own.reduce((sum, one) => sum + one, 0))];
    };
    return { ratios, low: reference.values[shown[0] ?? 0] ?? "", high: "others" };
  }
  const cells = isComparedByBins(reference) ? reference.histogram.counts.length : reference.edges.length + 1;
  return {
    ratios: (counts) => {
      const rows = total(counts);
      return Array.from({ length: cells }, (_, cell) => ratio(counts[cell], rows));
    },
    low: short(reference.min),
    high: short(reference.max),
  };
}

function total(counts: ArrayLike<number>): number {
  return Array.from(counts).reduce((sum, one) => sum + one, 0);
}

function ratio(part: number | undefined, whole: number): number {
  return whole > 0 ? (part ?? 0) / whole : 0;
}

/** Shown of the chunk that lies furthest away, where they apply. */
const factNames: readonly (readonly [measure: string, title: string])[] = [
  ["psi", "PSI"],
  ["wasserstein", "Wasserstein in σ"],
  ["hellinger", "Hellinger"],
  ["ks", "KS"],
  ["cramers_v", "Cramér's V"],
  ["unseen_ratio", "not seen before"],
  ["out_of_range_ratio", "out of range"],
  ["null_ratio", "null"],
  ["wrong_type_ratio", "wrong type"],
];

function facts({ chunks }: Replay, { reference, worst }: RankedFeature): string {
  const measures = chunks[worst]?.features[reference.name] ?? {};
  const told = factNames.flatMap(([measure, title]) => {
    const value = measures[measure];
    if (value === undefined || (measure.endsWith("_ratio") && value === 0)) return [];
    return [`<span>${title} <b>${measure.endsWith("_ratio") ? percent(value) : short(Number(value.toPrecision(3)))}</b></span>`];
  });
  return `<div class="facts"><span>chunk ${worst}:</span>${told.join("")}</div>`;
}

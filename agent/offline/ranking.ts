/** Which features moved most, and when: what a table and a report are sorted by. */
import { psiThreshold } from "../../detectors/distance/population-stability-index.ts";
import type { FeatureReference } from "../../detectors/reference/reference.ts";
import type { Replay, Stream } from "./replay.ts";

export interface RankedFeature extends Stream {
  /** Jensen-Shannon distance per chunk; undefined where a chunk has none. */
  readonly distances: readonly (number | undefined)[];
  /** What chance alone makes of the distance of a chunk like most in one case of a thousand. */
  readonly noise: number;
  /** Index of the chunk that lies furthest away. */
  readonly worst: number;
  /** Row at which it was first named by an alarm. */
  readonly firstAlarm: number | undefined;
  readonly alarms: number;
}

/** Those named by alarms first, in each part the one first whose distances are the most chance does not explain. */
export function rankFeatures(replay: Replay): readonly RankedFeature[] {
  const { streams, chunks, alarms } = replay;
  const ranked = streams.map(({ reference, alarmName }) => {
    const distances = chunks.map(({ features }) => features[reference.name]?.["jensen_shannon"]);
    const worst = distances.reduce<number>((best, distance, index) => ((distance ?? -1) > (distances[best] ?? -1) ? index : best), 0);
    const noise = noiseOf(reference, usualRows(replay));
    const own = alarmName === undefined ? [] : alarms.filter(({ feature }) => feature === alarmName);
    const feature: RankedFeature = {
      reference,
      alarmName,
      distances,
      noise,
      worst,
      firstAlarm: own[0]?.row,
      alarms: own.length,
    };
    const excess = distances.reduce<number>((sum, distance) => sum + Math.max(0, (distance ?? 0) / (noise || 1) - 1), 0);
    return { feature, excess };
  });
  ranked.sort((a, b) => Number(b.feature.alarms > 0) - Number(a.feature.alarms > 0) || b.excess - a.excess);
  return ranked.map(({ feature }) => feature);
}

export function usualRows({ chunks }: Pick<Replay, "chunks">): number {
  const chunk = chunks[Math.floor((chunks.length - 1) / 2)];
  return chunk === undefined ? 0 : chunk.last - chunk.first + 1;
}

/**
 * While nothing has changed, Jensen-Shannon's divergence in bits is about PSI / (8 ln 2): both begin as the same sum of
 * squared differences. Rows that depend on each other scatter more than this.
 */
function noiseOf({ counts, rows }: FeatureReference, windowRows: number): number {
  const cells = counts.filter((count) => count > 0).length;
  return windowRows === 0 ? 0 : Math.sqrt(psiThreshold(cells, rows, windowRows, 0.999) / (8 * Math.LN2));
}

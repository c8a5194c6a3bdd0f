/**
 * What the flight recorder takes from the meter each second: levels as they are, totals as rates, latencies as the quantiles
 * of the last second's requests.
 */
import { instruments, type AnyInstrument } from "./instruments.ts";
import type { Level } from "./flight-recorder.ts";
import type { FamilyView, SeriesView } from "./series-view.ts";

/** `read`: a collector reads the total now and then, so the rate between two readings holds until the next. */
type Taken = "level" | "rate" | "read" | "quantiles";

const taken: ReadonlyMap<AnyInstrument, Taken> = new Map<AnyInstrument, Taken>([
  [instruments.requestDuration, "quantiles"],
  [instruments.requests, "rate"],
  [instruments.attempts, "rate"],
  [instruments.activeRequests, "level"],
  [instruments.failoverState, "level"],
  [instruments.activeRung, "level"],
  [instruments.probeSuccess, "level"],
  [instruments.queueDepth, "level"],
  [instruments.loopDelay, "level"],
  [instruments.dropped, "rate"],
  [instruments.serverInFlight, "level"],
  [instruments.serverQueue, "level"],
  [instruments.driftEvidence, "level"],
  [instruments.driftThreshold, "level"],
  [instruments.performanceEvidence, "level"],
  [instruments.cpuTime, "read"],
  [instruments.cpuThrottled, "read"],
  [instruments.memoryWorkingSet, "level"],
  [instruments.processCpuTime, "read"],
  [instruments.processMemory, "level"],
  [instruments.pressure, "read"],
  [instruments.gpuUtilization, "level"],
  [instruments.gpuMemoryUsage, "level"],
  [instruments.gpuTemperature, "level"],
  [instruments.gpuPower, "level"],
  [instruments.gpuThrottle, "level"],
  [instruments.gpuErrors, "read"],
]);

const quantiles = [0.5, 0.95, 0.99] as const;
/** What was before is remembered of so many series, which is more than the recorder holds. */
const rememberedMax = 1_024;

interface Before {
  readonly atMs: number;
  readonly value: number;
  readonly counts: Float64Array | undefined;
  readonly rate: number;
}

export class FlightLevels {
  #before = new Map<string, Before>();

  /** @param nowMs monotonic. Cost: O(series), about 0.3 ms for 250. */
  take(families: Iterable<FamilyView>, nowMs: number): Level[] {
    const levels: Level[] = [];
    // Only what is there now is remembered for the next second.
    const next = new Map<string, Before>();
    for (const { instrument, bounds, series } of families) {
      const how = taken.get(instrument);
      if (how === undefined) continue;
      const { name, unit } = instrument;
      for (const one of series) {
        const labels = one.attributes as Readonly<Record<string, string>>;
        if (how === "level") {
          levels.push({ name, labels, unit, value: one.value });
          continue;
        }
        if (next.size >= rememberedMax) break;
        const key = `${name} ${JSON.stringify(labels)}`;
        const before = this.#before.get(key);
        if (how === "quantiles") {
          next.set(key, { atMs: nowMs, value: one.value, counts: Float64Array.from(one.counts), rate: 0 });
          levels.push(...latencies(name, labels, one, bounds, before));
          continue;
        }
        const now = rateOf(one.value, nowMs, before, how);
        next.set(key, now);
        if (before !== undefined) levels.push({ name, labels, unit: rateUnit(unit), value: now.rate });
      }
    }
    this.#before = next;
    return levels;
  }
}

function rateOf(value: number, nowMs: number, before: Before | undefined, how: "rate" | "read"): Before {
  if (before === undefined || value < before.value) return { atMs: nowMs, value, counts: undefined, rate: 0 };
  if (how === "read" && value === before.value) return before;
  return { atMs: nowMs, value, counts: undefined, rate: (value - before.value) / Math.max(0.001, (nowMs - before.atMs) / 1_000) };
}

function latencies(name: string, labels: Readonly<Record<string, string>>, { counts }: SeriesView, bounds: readonly number[], before: Before | undefined): Level[] {
  const fresh = counts.map((count, i) => count - (before?.counts?.[i] ?? 0));
  const total = fresh.reduce((sum, count) => sum + count, 0);
  if (total <= 0) return [];
  return quantiles.map((quantile) => ({ name, labels: { ...labels, quantile: String(quantile) }, unit: "s", value: quantileOf(fresh, total, bounds, quantile) }));
}

/** Linear within the bucket, as PromQL's histogram_quantile is; the last bound where it lies beyond. */
export function quantileOf(counts: ArrayLike<number>, total: number, bounds: readonly number[], quantile: number): number {
  const rank = quantile * total;
  let below = 0;
  for (let i = 0; i < bounds.length; i += 1) {
    const count = counts[i] as number;
    if (count > 0 && below + count >= rank) {
      const lower = i === 0 ? 0 : (bounds[i - 1] as number);
      return lower + ((bounds[i] as number) - lower) * Math.max(0, (rank - below) / count);
    }
    below += count;
  }
  return bounds.at(-1) ?? Number.NaN;
}

/** Seconds in a second are a ratio. */
function rateUnit(unit: string): string {
  return unit === "s" ? "1" : `${unit}/s`;
}

/**
 * How two widely used tools decide on a canary, stated again from their documented rules and defaults, in code of our own, to
 * be given the same streams as our judge.
 *
 * Flagger (docs.flagger.app, "Canary analysis"; defaults of its tutorials): once a minute the candidate's success ratio of the
 * last minute has to be 99 % or more and its p99 at most 500 ms; each failed check is counted, and at 10 the
 * canary is rolled back; after 25 that passed it is promoted. A minute without requests is passed over here.
 *
 * Kayenta (NetflixACAJudge and MannWhitneyClassifier): per metric a value a minute of either side, compared by the Mann-Whitney
 * test's interval for the shift (Hodges and Lehmann) at 98 %: High if its lower end is above a quarter of the estimate's size.
 * Judged here every five minutes over an hour, from ten minutes on; a metric that is High rolls back. Outliers are kept and
 * minutes without a value left out, as by default.
 */
import { normalQuantile } from "../../detectors/special/normal.ts";
import type { Request } from "./streams.ts";

export type Decision = "rollback" | "promote" | "undecided";

interface Minute {
  readonly requests: number;
  readonly failed: number;
  readonly sum: number;
  readonly p99: number;
}

function minutesOf(requests: readonly Request[], candidate: boolean): (Minute | undefined)[] {
  const minutes = Math.ceil(((requests.at(-1)?.second ?? 0) + 1) / 60);
  const byMinute: Request[][] = Array.from({ length: minutes }, () => []);
  for (const request of requests) if (request.candidate === candidate) byMinute[Math.floor(request.second / 60)]?.push(request);
  return byMinute.map((all) => {
    if (all.length === 0) return undefined;
    const latencies = all.map(({ ms }) => ms).sort((a, b) => a - b);
    return {
      requests: all.length,
      failed: all.filter(({ failed }) => failed).length,
      sum: latencies.reduce((sum, ms) => sum + ms, 0),
      p99: latencies[Math.ceil(0.99 * all.length) - 1] as number,
    };
  });
}

export function flagger(requests: readonly Request[]): Decision {
  let [failed, passed] = [0, 0];
  for (const minute of minutesOf(requests, true)) {
    if (minute === undefined) continue;
    if (1 - minute.failed / minute.requests >= 0.99 && minute.p99 <= 500) passed += 1;
    else failed += 1;
    if (failed >= 10) return "rollback";
    if (passed >= 25) return "promote";
  }
  return "undecided";
}

export function kayenta(requests: readonly Request[]): Decision {
  const [candidate, primary] = [minutesOf(requests, true), minutesOf(requests, false)];
  const metrics: readonly ((minute: Minute) => number)[] = [({ failed, requests: n }) => failed / n, ({ sum, requests: n }) => sum / n, ({ p99 }) => p99];
  for (let upTo = 10; upTo <= candidate.length; upTo += 5) {
    for (const metric of metrics) {
      const values = (minutes: readonly (Minute | undefined)[]) => minutes.slice(0, upTo).filter((minute) => minute !== undefined).map(metric);
      if (isHigh(values(candidate), values(primary))) return "rollback";
    }
  }
  return "promote";
}

function isHigh(candidate: readonly number[], primary: readonly number[]): boolean {
  const pairs = candidate.length * primary.length;
  if (pairs === 0) return false;
  const differences = Float64Array.from({ length: pairs }, (_, i) => (candidate[i % candidate.length] as number) - (primary[Math.floor(i / candidate.length)] as number)).sort();
  const reach = normalQuantile(0.99) * Math.sqrt((pairs * (candidate.length + primary.length + 1)) / 12);
  const low = Math.floor(pairs / 2 - reach);
  if (low < 0) return false;
  const estimate = ((differences[Math.floor((pairs - 1) / 2)] as number) + (differences[Math.floor(pairs / 2)] as number)) / 2;
  return (differences[low] as number) > 0.25 * Math.abs(estimate);
}

/** How much traffic there is and how long it takes, out of two scrapes of the metrics: what came between them. */
import { instruments, prometheusName } from "../../../exporters/instruments.ts";
import { parsePrometheusText, type Sample } from "../../adapters/prometheus-text.ts";

/** Since the process began: how many inferences ended, how many of them with an answer of each rung, and within how long. */
export interface Totals {
  readonly atMs: number;
  readonly count: number;
  readonly byRung: ReadonlyMap<string, number>;
  /** Upper bound in seconds to how many took no longer. */
  readonly within: ReadonlyMap<number, number>;
}

export interface Figures {
  readonly perSecond: number;
  /** Upper bounds in seconds of the buckets that hold them; undefined where nothing came. */
  readonly median: number | undefined;
  readonly p99: number | undefined;
  /** Shares of the answers, 0 to 1, the largest first. */
  readonly rungs: readonly (readonly [rung: string, share: number])[];
}

const duration = prometheusName(instruments.requestDuration);

/** undefined where the page can not be read. */
export function totalsIn(page: string, atMs: number): Totals | undefined {
  const parsed = parsePrometheusText(page);
  if (!parsed.ok) return undefined;
  const byRung = new Map<string, number>();
  const within = new Map<number, number>();
  for (const { name, labels, value } of parsed.samples as readonly Sample[]) {
    if (name === `${duration}_count`) add(byRung, labels["rung"] ?? "", value);
    if (name === `${duration}_bucket`) add(within, labels["le"] === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels["le"]), value);
  }
  return { atMs, count: [...byRung.values()].reduce((all, one) => all + one, 0), byRung, within };
}

/** A process that has begun anew counts from nothing. */
export function figuresOf(before: Totals, now: Totals): Figures {
  const from = now.count < before.count ? { count: 0, byRung: new Map<string, number>(), within: new Map<number, number>() } : before;
  const count = now.count - from.count;
  const bounds = [...now.within].sort(([a], [b]) => a - b).map(([bound, upTo]) => [bound, upTo - (from.within.get(bound) ?? 0)] as const);
  const quantile = (q: number) => (count === 0 ? undefined : bounds.find(([, upTo]) => upTo >= q * count)?.[0]);
  const rungs = [...now.byRung].map(([rung, of]) => [rung, (of - (from.byRung.get(rung) ?? 0)) / Math.max(1, count)] as const).filter(([, share]) => share > 0);
  return { perSecond: (1_000 * count) / Math.max(1, now.atMs - before.atMs), median: quantile(0.5), p99: quantile(0.99), rungs: rungs.sort(([, a], [, b]) => b - a) };
}

function add<Key>(counts: Map<Key, number>, key: Key, value: number): void {
  counts.set(key, (counts.get(key) ?? 0) + value);
}

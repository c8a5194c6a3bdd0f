/** What the demo says it shows, each with the figure seen and the limit it is held against. Pure. */

export interface Claim {
  /** What happened to the model server or its data. */
  readonly happened: string;
  /** How Pilotfish saw it, or what it did. */
  readonly seen: string;
  /** The figure, for a person. */
  readonly figure: string;
  readonly limit: string;
  readonly held: boolean;
}

/** A time that must not be passed; undefined means that it never came. */
export function within(happened: string, seen: string, ms: number | undefined, limitMs: number): Claim {
  return { happened, seen, figure: ms === undefined ? "never" : duration(ms), limit: `within ${duration(limitMs)}`, held: ms !== undefined && ms <= limitMs };
}

export function exactly(happened: string, seen: string, count: number, expected: number): Claim {
  return { happened, seen, figure: String(count), limit: `${expected}`, held: count === expected };
}

export function holds(happened: string, seen: string, figure: string, limit: string, held: boolean): Claim {
  return { happened, seen, figure, limit, held };
}

export function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** The quantile of unsorted values, nearest rank; undefined for none. */
export function quantile(values: readonly number[], q: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
}

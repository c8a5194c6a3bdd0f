/**
 * What a change detector found, remembered after it was started anew: a stream rose from one level to another. As long as it
 * stays nearer to the level it rose to, the alarm holds; what has lasted a day is the new normal.
 */
export interface Rise {
  readonly from: number;
  readonly to: number;
  readonly sinceMs: number;
}

const dayMs = 86_400_000;

export function lasts({ from, to, sinceMs }: Rise, level: number, nowMs: number): boolean {
  return level > (from + to) / 2 && nowMs - sinceMs < dayMs;
}

/** Monotonic times mean nothing to the next process. */
export function saveRise(rise: Rise | undefined, nowMs: number): Rise | undefined {
  return rise && { ...rise, sinceMs: rise.sinceMs - nowMs };
}

export function restoreRise(saved: Rise | undefined, nowMs: number): Rise | undefined {
  return saved && { ...saved, sinceMs: saved.sinceMs + nowMs };
}

/**
 * How many attempts succeeded and failed lately: a few buckets, each of its own span of time, that expire by that time when
 * they are read. Idle hours leave nothing behind, whatever happened before them; a window that only moves when something is
 * pushed into it keeps failures of hours ago and trips on them. Pure: the same window comes back where nothing is counted.
 */
export interface Bucket {
  /** Which span of time it is of, counted from the clock's zero. */
  readonly span: number;
  readonly successes: number;
  readonly failures: number;
}

/** Newest first, at most `bucketCount`. */
export type SuccessWindow = readonly Bucket[];

export interface Counts {
  readonly successes: number;
  readonly failures: number;
}

const bucketCount = 10;

function spanOf(nowMs: number, windowMs: number): number {
  return Math.floor((nowMs * bucketCount) / windowMs);
}

/** The window with one more attempt in it. Cost: O(buckets). */
export function counted(window: SuccessWindow, success: boolean, nowMs: number, windowMs: number): SuccessWindow {
  const span = spanOf(nowMs, windowMs);
  const kept = window.filter((bucket) => bucket.span > span - bucketCount && bucket.span < span);
  const { successes, failures } = window[0]?.span === span ? window[0] : { successes: 0, failures: 0 };
  return [{ span, successes: successes + Number(success), failures: failures + Number(!success) }, ...kept];
}

/** What lies within the last `windowMs`, to a tenth of it. */
export function countsIn(window: SuccessWindow, nowMs: number, windowMs: number): Counts {
  const oldest = spanOf(nowMs, windowMs) - bucketCount;
  let successes = 0;
  let failures = 0;
  for (const bucket of window) {
    if (bucket.span <= oldest) break;
    successes += bucket.successes;
    failures += bucket.failures;
  }
  return { successes, failures };
}

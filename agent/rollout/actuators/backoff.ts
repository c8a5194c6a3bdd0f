/**
 * How long to wait before the next attempt: twice as long each time up to a limit, each time shortened by up to half by chance, so
 * that the sidecars of a fleet which failed together do not come back together.
 */
export interface Backoff {
  readonly pause: number;
  readonly pauseMax: number;
}

/**
 * @param failures how many attempts have failed, at least 1. @param random in [0, 1). @param afterMs not before that, as whoever
 * refused may ask. Milliseconds.
 */
export function pauseMs({ pause, pauseMax }: Backoff, failures: number, random: number, afterMs: number = 0): number {
  const fullMs = Math.min(pauseMax, pause * 2 ** Math.min(failures - 1, 30));
  return Math.max(afterMs, fullMs * (1 - random / 2));
}

/**
 * Time, chance and waiting: the only file that knows the machine's clocks. Everything else takes a `Clock`, so a test can
 * turn the whole agent by hand (test/fake-clock.ts).
 *
 * Durations and deadlines are monotonic milliseconds; wall time is for people and for the wire only.
 */
export interface Clock {
  /** Milliseconds since some moment in the past; never goes back, has fractions. */
  monotonicMs(): number;
  /** Milliseconds since 1970-01-01 UTC; may jump. */
  wallMs(): number;
  /** Runs once after `delayMs`. A pending wait never keeps the process alive. */
  after(delayMs: number, run: () => void): Cancel;
  /** Runs every `periodMs`, first after one period; never twice at once for a late loop. Does not keep the process alive. */
  every(periodMs: number, run: () => void): Cancel;
  /** A number in [0, 1): for jitter only. */
  random(): number;
}

export type Cancel = () => void;

const timerMaxMs = 2 ** 31 - 1;

/** In all threads of a process the monotonic time counts from the same moment (a test holds Node to it), so deadlines may cross. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, run) {
    let timer: NodeJS.Timeout;
    // Node fires a longer timer at once, so a long wait is made of several.
    const waitFor = (leftMs: number): void => {
      timer = leftMs > timerMaxMs ? setTimeout(() => waitFor(leftMs - timerMaxMs), timerMaxMs) : setTimeout(run, leftMs);
      timer.unref();
    };
    waitFor(delayMs);
    return () => clearTimeout(timer);
  },
  every(periodMs, run) {
    const timer = setInterval(run, Math.min(periodMs, timerMaxMs)).unref();
    return () => clearInterval(timer);
  },
  random: () => Math.random(),
};

/** A promise that is kept after `delayMs`; rejects with the signal's reason when aborted first. */
export function wait(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const onAbort = () => {
      cancel();
      reject(signal?.reason as Error);
    };
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

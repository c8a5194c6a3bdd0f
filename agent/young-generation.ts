/**
 * How large V8's young generation may grow. By itself it doubles whenever much survives in it, and of what a start allocates
 * nearly all does; the space stays taken, 12 MB of it, in a daemon that is idle. So it is kept small until garbage is collected
 * often, which is what a larger one makes cheaper: under full load a tenth of the processor time of a request, measured.
 */
import { PerformanceObserver } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";

/** Collections within a second from which on it may grow; each takes about a millisecond. */
const often = 20;

/**
 * Call it before anything else is loaded, and what comes back once all has started: it watches how often garbage is collected.
 * Both act on worker threads too.
 */
export function keepYoungGenerationSmall(): () => void {
  setFlagsFromString("--semi-space-growth-factor=1");
  return () => {
    const begun: number[] = [];
    const observer = new PerformanceObserver((collections) => {
      begun.push(...collections.getEntries().map(({ startTime }) => startTime));
      begun.splice(0, begun.length - often);
      if (begun.length < often || (begun.at(-1) as number) - (begun[0] as number) > 1_000) return;
      setFlagsFromString("--semi-space-growth-factor=2");
      observer.disconnect();
    });
    observer.observe({ entryTypes: ["gc"] });
  };
}

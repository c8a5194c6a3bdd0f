/**
 * Asks one probe on its own timer, never two questions at once. The first question is asked at the start; a failure that
 * follows anything but a failure is asked about once more at once, so a hang is known after two time-outs, not two intervals.
 */
import type { Clock } from "../clock.ts";
import type { Close } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import type { Observe, ProbeObservation } from "../observation.ts";
import { unknown, type Probe } from "./probe.ts";

export interface RunDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly observe: Observe;
}

export function runProbe(probe: Probe, { clock, log, observe }: RunDeps): Close {
  const closing = new AbortController();
  let asking = false;
  let last: ProbeObservation["verdict"] = "unknown";

  const askOnce = async (): Promise<void> => {
    let observation: ProbeObservation;
    try {
      observation = await probe.ask(closing.signal);
    } catch (error) {
      log.error({ probe: probe.name, error: String(error) }, "a probe is broken");
      observation = unknown(probe.name, "no-source", 0, `the probe is broken: ${String(error)}`);
    }
    if (closing.signal.aborted) return;
    last = observation.verdict;
    observe(observation);
  };

  const turn = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    const before = last;
    await askOnce();
    if (probe.repeats && before !== "fail" && last === "fail" && !closing.signal.aborted) await askOnce();
    asking = false;
  };

  void turn();
  const cancel = clock.every(probe.intervalMs, () => void turn());
  return () => {
    cancel();
    closing.abort();
  };
}

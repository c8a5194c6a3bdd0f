/** Levels that nobody announces, read each second: what the gateway has in hand, what waits for the analysis, how late the loop runs. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { instruments } from "../exporters/instruments.ts";
import type { Meter } from "../exporters/meter.ts";
import type { Clock } from "./clock.ts";
import type { Close } from "./lifecycle.ts";
import type { Swim } from "./swim.ts";

export function levelGauges(clock: Clock, meter: Meter, gateway: () => Swim["gateway"] | undefined, depth: () => number): Close {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const cancel = clock.every(1_000, () => {
    meter.gauge(instruments.activeRequests, {}).set(gateway()?.active() ?? 0);
    const { limit, inFlight } = gateway()?.limit() ?? { limit: Number.NaN, inFlight: Number.NaN }; // No series while nothing is limited.
    meter.gauge(instruments.concurrencyLimit, {}).set(limit);
    meter.gauge(instruments.concurrencyInFlight, {}).set(inFlight);
    meter.gauge(instruments.queueDepth, { queue: "analysis" }).set(depth());
    meter.gauge(instruments.loopDelay, {}).set(delay.max / 1e9);
    delay.reset();
  });
  return () => {
    cancel();
    delay.disable();
  };
}

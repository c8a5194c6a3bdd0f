/** How inferences went on the side of a rollout that they were dealt to, as series. */
import { instruments } from "../exporters/instruments.ts";
import type { Counter, Histogram, Meter } from "../exporters/meter.ts";
import type { Observe } from "./observation.ts";

interface Bound {
  readonly ended: Counter;
  readonly duration: Histogram;
}

/** @param model its name now. */
export function trialSeries(meter: Meter, model: () => string): Observe {
  /** Binding costs several times what recording does, and there is one for each request: of the latest model, at most six. */
  let bound = new Map<string, Bound>();
  let boundFor = "";

  return (observation) => {
    if (observation.kind !== "trial") return;
    const { candidate, failed, rescued = false, durationMs } = observation;
    const side = candidate ? "candidate" : "primary";
    const result = !failed ? "ok" : candidate && rescued ? "rescued" : "failed";
    const name = model();
    if (name !== boundFor) bound = new Map();
    boundFor = name;
    const key = `${side} ${result}`;
    let series = bound.get(key);
    if (series === undefined) {
      series = { ended: meter.counter(instruments.trials, { model: name, side, result }), duration: meter.histogram(instruments.trialDuration, { model: name, side }) };
      bound.set(key, series);
    }
    series.ended.add();
    series.duration.record(durationMs / 1_000);
  };
}

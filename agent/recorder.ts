/** What was seen and announced, as series. The only place where an observation becomes an instrument. */
import { instruments } from "../exporters/instruments.ts";
import type { Counter, Histogram, Meter } from "../exporters/meter.ts";
import { statuses, type Announce } from "../exporters/signal.ts";
import type { Judgement } from "./judgement.ts";
import type { AttemptObservation, ExchangeObservation, Observe, ProbeObservation, ReadingObservation } from "./observation.ts";
import type { Clock } from "./clock.ts";

export interface Recorder {
  readonly observation: Observe;
  readonly judgement: (judgement: Judgement) => void;
  readonly signal: Announce;
}

/**
 * @param rungs every backend that may answer, for the one-hot series.
 * @param readingTtlMs how long a collector's series outlive its last reading.
 */
export function recorder(meter: Meter, clock: Clock, rungs: () => readonly string[], readingTtlMs: number): Recorder {
  const attemptSeries = remembered<{ readonly ended: Counter; readonly duration: Histogram }>();
  const exchangeSeries = remembered<{ readonly ended: Counter; readonly duration: Histogram }>();

  function attempt({ backend, outcome, durationMs, trace }: AttemptObservation): void {
    const { ended, duration } = attemptSeries(`${backend} ${outcome}`, () => ({
      ended: meter.counter(instruments.attempts, { backend, outcome }),
      duration: meter.histogram(instruments.attemptDuration, { backend }),
    }));
    ended.add();
    duration.record(durationMs / 1_000, trace);
  }

  function exchange({ inference, model, rung, reason, outcome, durationMs, stream, trace }: ExchangeObservation): void {
    if (!inference) return;
    const { ended, duration } = exchangeSeries(`${rung} ${reason} ${outcome} ${model}`, () => ({
      ended: meter.counter(instruments.requests, { model, rung, reason, outcome }),
      duration: meter.histogram(instruments.requestDuration, { model, rung, outcome }),
    }));
    ended.add();
    duration.record(durationMs / 1_000, trace);
    if (stream === undefined || outcome !== "ok") return;
    meter.histogram(instruments.timeToFirstToken, { model }).record(stream.firstTokenMs / 1_000);
    if (stream.perTokenMs !== undefined) meter.histogram(instruments.timePerOutputToken, { model }).record(stream.perTokenMs / 1_000);
  }

  function probed({ probe, verdict, reason, durationMs }: ProbeObservation): void {
    const success = meter.gauge(instruments.probeSuccess, { probe });
    if (verdict === "unknown") {
      success.remove();
      return;
    }
    success.set(verdict === "pass" ? 1 : 0);
    meter.histogram(instruments.probeDuration, { probe }).record(durationMs / 1_000);
    if (verdict === "pass") meter.gauge(instruments.probeLastSuccess, { probe }).set(clock.wallMs() / 1_000);
    else meter.counter(instruments.probeFailures, { probe, reason }).add();
  }

  /** Which series a collector wrote last, so that they vanish at once when its source does. */
  const written = new Map<string, ReadingObservation["points"]>();

  function reading({ collector, status, points }: ReadingObservation): void {
    meter.gauge(instruments.collectorUp, { collector }).set(status === "ok" ? 1 : 0);
    if (status === "ok") {
      meter.observe(points, readingTtlMs);
      written.set(collector, points);
      return;
    }
    for (const { instrument, labels } of written.get(collector) ?? []) meter.drop(instrument, labels);
    written.delete(collector);
  }

  return {
    observation(observation) {
      switch (observation.kind) {
        case "attempt":
          return attempt(observation);
        case "exchange":
          return exchange(observation);
        case "probe":
          return probed(observation);
        case "reading":
          return reading(observation);
        case "sample":
          return meter.counter(instruments.samples, { result: "taken" }).add();
        case "copy":
          if (observation.outcome === "ok") meter.histogram(instruments.rungAnswer, { rung: observation.rung }).record(observation.durationMs / 1_000);
          return;
        case "trial": // Those of rollouts are trial-series.ts's, and copies are counted where they are offered.
        case "shadow":
          return;
        case "actual": // Counted where it is joined, which is where its fate is known.
          return;
      }
    },
    judgement({ model, stream, detector, verdict }) {
      meter.gauge(instruments.driftAlarm, { model, stream }).set(verdict === "drift" || verdict === "warning" ? 1 : 0);
      if (verdict === "drift" || verdict === "warning") meter.counter(instruments.driftAlarms, { model, stream, detector }).add();
    },
    signal(signal) {
      meter.counter(instruments.signals, { type: signal.type }).add();
      const { model } = signal.target;
      if (signal.type === "state") {
        for (const state of statuses) meter.gauge(instruments.failoverState, { model, state }).set(state === signal.status ? 1 : 0);
        for (const rung of rungs()) meter.gauge(instruments.activeRung, { model, rung }).set(rung === signal.rung ? 1 : 0);
      }
      if (signal.type === "transition") {
        meter.counter(instruments.transitions, { model, from: signal.from, to: signal.to, reason: signal.cause.code }).add();
      }
    },
  };
}

/** So many label sets are kept bound, which is many more than there are outcomes; a flood of models begins anew. */
const rememberedMax = 512;

/** What was bound under a key before: binding costs several times what recording does, and there is one for each request. */
function remembered<Bound>(): (key: string, bind: () => Bound) => Bound {
  const known = new Map<string, Bound>();
  return (key, bind) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    if (known.size >= rememberedMax) known.clear();
    const bound = bind();
    known.set(key, bound);
    return bound;
  };
}

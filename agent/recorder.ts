/** What was seen and announced, as series. The only place where an observation becomes an instrument. */
import { instruments } from "../exporters/instruments.ts";
import type { Meter } from "../exporters/meter.ts";
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
  function attempt({ backend, outcome, durationMs }: AttemptObservation): void {
    meter.counter(instruments.attempts, { backend, outcome }).add();
    meter.histogram(instruments.attemptDuration, { backend }).record(durationMs / 1_000);
  }

  function exchange({ inference, model, rung, reason, outcome, durationMs }: ExchangeObservation): void {
    if (!inference) return;
    meter.counter(instruments.requests, { model, rung, reason, outcome }).add();
    meter.histogram(instruments.requestDuration, { model, rung, outcome }).record(durationMs / 1_000);
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

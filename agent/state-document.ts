/**
 * The state as a document: what `/v1/state` shows, for people, for `pilotfish status` and for scripts. A view of what was
 * said, kept by listening; it decides nothing.
 */
import { instruments } from "../exporters/instruments.ts";
import type { Announce, DriftSignal } from "../exporters/signal.ts";
import type { SignalHub } from "../exporters/websocket.ts";
import { overrideShown } from "./api/overrides.ts";
import type { RungPrice } from "./judgement.ts";
import type { Observe, Point, ProbeObservation, ReadingObservation } from "./observation.ts";
import type { Swim } from "./swim.ts";

export interface StateFacts {
  readonly version: string;
  readonly instance: string;
  /** Undefined until it has begun. */
  readonly swim: () => Swim | undefined;
  /** Who listens to the signals, and what became of the directives in force. */
  readonly followers: SignalHub["view"];
}

export interface StateView {
  readonly observation: Observe;
  /** All levels of the analysis, each second. */
  readonly points: (points: readonly Point[]) => void;
  readonly signal: Announce;
  readonly note: (text: string) => void;
  readonly document: () => Readonly<Record<string, unknown>>;
}

const notesMax = 20;

export function stateView(facts: StateFacts): StateView {
  const probes = new Map<string, ProbeObservation>();
  const collectors = new Map<string, ReadingObservation>();
  const drifts = new Map<string, DriftSignal>();
  const notes: string[] = [];
  let levels: readonly Point[] = [];

  /** The values of one instrument by one of its labels. */
  function by(instrument: Point["instrument"], label: string): Record<string, number> {
    return Object.fromEntries(levels.filter((point) => point.instrument === instrument).map(({ labels, value }) => [labels[label] as string, value]));
  }

  function level(instrument: Point["instrument"]): number | null {
    return levels.find((point) => point.instrument === instrument)?.value ?? null;
  }

  return {
    observation(observation) {
      if (observation.kind === "probe") probes.set(observation.probe, observation);
      if (observation.kind === "reading") collectors.set(observation.collector, observation);
    },
    points: (points) => void (levels = points),
    signal(signal) {
      if (signal.type !== "drift") return;
      if (signal.status === "firing") drifts.set(signal.stream, signal);
      else drifts.delete(signal.stream);
    },
    note(text) {
      if (notes.at(-1) === text) return;
      notes.push(text);
      if (notes.length > notesMax) notes.shift();
    },
    document() {
      const swim = facts.swim();
      if (swim === undefined) return { version: facts.version, instance: facts.instance, status: "unknown" };
      const { target, status, rung, reason, cause, sinceWallMs, rev } = swim.failover.current();
      const evidence = by(instruments.driftEvidence, "feature");
      const { all = null, ...features } = evidence;
      return {
        version: facts.version,
        instance: facts.instance,
        model: { name: target.model, version: target.version ?? null },
        server: { url: target.endpoint, description: swim.description() ?? null },
        status,
        rung,
        reason,
        since: new Date(sinceWallMs).toISOString(),
        cause,
        override: overridden(swim),
        rev,
        ladder: swim.backends().slice(1).map((rung) => ({ ...rung, price: priceOf(swim.price(rung.name)) })),
        probes: Object.fromEntries([...probes].map(([name, { verdict, reason: why, detail }]) => [name, { verdict, reason: why, detail }])),
        collectors: Object.fromEntries([...collectors].map(([name, { status: state, detail }]) => [name, { status: state, detail }])),
        drift: [...drifts.values()].map(({ stream, detector, message, culprits, statistic, threshold, atWallMs }) => ({
          stream, detector, message, culprits, statistic, threshold, at: new Date(atWallMs).toISOString(),
        })),
        evidence: { log10: all, threshold: level(instruments.driftThreshold), features },
        distances: { psi: distances("psi"), jensen_shannon: distances("jensen_shannon") },
        window: level(instruments.windowSamples),
        performance: performance("realised"),
        estimated: performance("estimated"),
        corrected: performance("corrected"),
        bounds: { realised: bounds("realised"), estimated: bounds("estimated"), corrected: bounds("corrected") },
        actualsLagSeconds: level(instruments.actualsLag),
        actuals: by(instruments.actuals, "result"),
        analysed: by(instruments.analysed, "result"),
        signals: facts.followers(),
        notes,
      };
    },
  };

  function overridden(swim: Swim): unknown {
    const override = swim.failover.override();
    return override === undefined ? null : overrideShown(override);
  }

  /** null where no copy has been answered yet. */
  function priceOf(price: RungPrice | undefined): unknown {
    if (price === undefined) return null;
    const { standing, message, copies, compared, agreement, coverage, difference, accuracy, primaryAccuracy, medianMs, slowMs } = price;
    const seconds = (ms: number | undefined) => (ms === undefined ? null : ms / 1_000);
    return {
      standing, message, copies, compared,
      agreement: agreement ?? null,
      coverage: coverage ?? null,
      difference: difference ?? null,
      accuracy: accuracy ?? null,
      primaryAccuracy: primaryAccuracy ?? null,
      seconds: { median: seconds(medianMs), p95: seconds(slowMs) },
    };
  }

  function performance(kind: string): Record<string, number> {
    const figures = levels.filter(({ instrument, labels }) => instrument === instruments.performance && labels["kind"] === kind);
    return Object.fromEntries(figures.map(({ labels, value }) => [labels["metric"] as string, value]));
  }

  function bounds(kind: string): Record<string, Record<string, number>> {
    const found: Record<string, Record<string, number>> = {};
    for (const { instrument, labels, value } of levels) {
      const { metric = "", bound = "" } = labels;
      if (instrument === instruments.performanceBound && labels["kind"] === kind) found[metric] = { ...found[metric], [bound]: value };
    }
    return found;
  }

  function distances(measure: string): Record<string, number> {
    return Object.fromEntries(
      levels.filter(({ instrument, labels }) => instrument === instruments.driftDistance && labels["measure"] === measure).map(({ labels, value }) => [labels["feature"] as string, value]),
    );
  }
}

/**
 * Whom a rollout is told to: subscribers and people by signals, the history, the series, and by actuations whoever else deals traffic.
 * Nothing here changes what is dealt, which has changed before.
 */
import { randomUUID } from "node:crypto";
import type { Announce, Target } from "../../exporters/signal.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { CandidateAsked, RolloutView } from "../rollout-view.ts";
import type { Action, Actuation, ActuationReport } from "./actuators/actuation.ts";
import { candidateName } from "./candidate.ts";
import type { RolloutState } from "./plan.ts";
import { isInForce, judgeSignalOf, signalOf, verdictOf, type Rollout } from "./rollout.ts";
import type { RolloutSeries } from "./series.ts";

export interface TellingDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly target: () => Target;
  readonly announce: Announce;
  /** A line for the history. */
  readonly happened: (detail: Readonly<Record<string, unknown>>) => void;
  readonly series: RolloutSeries;
  /** Tells the world. What comes of it comes back as reports. */
  readonly act: (actuation: Actuation) => void;
}

export interface Telling {
  /** Where it stands, to all who only need the latest. */
  stands(now: Rollout, view: RolloutView): void;
  /** It stands elsewhere: the same, and for the history. */
  changed(now: Rollout, view: RolloutView, by?: string): void;
  /** The judge has spoken. */
  read(now: Rollout): void;
  /** What the judge says, as it follows from where the rollout stands. */
  judged(now: Rollout, isChanged: boolean): void;
  act(action: Action, now: Rollout, candidate: CandidateAsked, primaryVersion: string | undefined): void;
  /** What became of an actuation. */
  reported(report: ActuationReport): void;
}

/** An unchanged word of the judge is told again after so long. */
const retellMs = 10_000;

export function telling({ clock, log, target, announce, happened, series, act }: TellingDeps): Telling {
  let judge: { readonly rollout: string; readonly verdict: string; readonly atMs: number } | undefined;

  function stands(now: Rollout, view: RolloutView): void {
    if (isInForce(now)) series.shown(view);
    else series.over();
    announce(signalOf(now, target(), clock.wallMs()));
  }

  return {
    stands,
    changed(now, view, by) {
      stands(now, view);
      const { id, candidate, state, message, isSettled } = now;
      const { phase, reason, step, weight } = state;
      happened({ rollout: id, candidate: candidateName(candidate), phase, reason, step: step + 1, weight: isSettled ? 0 : weight, message, ...(by !== undefined && { by }) });
      if ((phase === "promoted" || phase === "aborted") && !isSettled) series.ended(phase, reason);
    },
    read: (now) => now.reading && series.read(now.reading, verdictOf(now)),
    judged(now, isChanged) {
      const signal = judgeSignalOf(now, target(), clock.wallMs());
      if (signal === undefined || (signal.final && judge?.rollout !== now.id)) return;
      const atMs = clock.monotonicMs();
      if (!isChanged && judge?.verdict === signal.verdict && atMs - judge.atMs < retellMs) return;
      judge = signal.final ? undefined : { rollout: now.id, verdict: signal.verdict, atMs };
      announce(signal);
    },
    act(action, now, candidate, primaryVersion) {
      const { id, model, state, message } = now;
      const { version } = candidate;
      const actuation: Actuation = Object.freeze({
        id: randomUUID(), rollout: id, action, model, candidate, reason: state.reason, evidence: message, atWallMs: clock.wallMs(),
        weight: action === "roll-back" ? 0 : state.weight,
        ...(version !== undefined && { candidateVersion: version }),
        ...(primaryVersion !== undefined && { primaryVersion }),
      });
      try {
        act(actuation);
      } catch (error) {
        log.error({ error, action, rollout: id }, "the world could not be told of the rollout");
      }
    },
    reported({ rollout, actuator, action, result, detail }) {
      if (result !== "failed" && result !== "unconfirmed") return;
      log.warn({ rollout, actuator, action, result, detail }, "the world may not do what the rollout says");
      happened({ rollout, actuator, action, result, message: detail });
    },
  };
}

/** What those are told who follow a rollout's weight; nothing while there never was one. */
export function actionOf(was: RolloutState | undefined, now: RolloutState): Action | undefined {
  const hadWeight = was !== undefined && was.weight > 0;
  if (now.phase === "aborted") return hadWeight ? "roll-back" : undefined;
  if (now.phase === "promoted") return "promote";
  if (now.weight === (was?.weight ?? 0)) return undefined;
  return hadWeight ? "weight" : "start";
}

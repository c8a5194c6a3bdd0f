/**
 * A comparison whose events come late, when other weights may be in force than when their requests were dealt: wrong answers
 * whose actuals take hours. Events of several weights then come mixed, and a comparison that begins anew at each weight
 * (errors.ts) would do so at every other event. So each weight has a state of its own.
 *
 * The evidence is the product: each event is bet on once, under the weight at which it was dealt, knowing what came before.
 * Effect and interval are those of the weight of which most is known, by how many events both sides have, which no outcome
 * has a part in; pooled over weights they would compare the candidate's busy hours with the primary's quiet ones.
 */
import { productEvidence } from "../guarantee/e-values.ts";
import type { Comparison, Dealt } from "./comparison.ts";

export interface WeightState<State> {
  readonly weight: number;
  candidates: number;
  primaries: number;
  state: State;
}

/** In the order in which weights were first heard of. */
export type ByWeightState<State> = WeightState<State>[];

/** A rollout has no more steps; events of weights beyond are passed over. */
export const weightsMax = 32;

/** Cost: that of the comparison, a state for each weight. */
export function byWeight<Event extends Dealt, State>(comparison: Comparison<Event, State>): Comparison<Event, ByWeightState<State>> {
  const best = (states: ByWeightState<State>): WeightState<State> | undefined => {
    const known = ({ candidates, primaries }: WeightState<State>) => (candidates * primaries) / Math.max(1, candidates + primaries);
    return states.reduce<WeightState<State> | undefined>((most, one) => (most === undefined || known(one) > known(most) ? one : most), undefined);
  };
  return {
    guarantee: comparison.guarantee,
    start: () => [],
    step(states, event) {
      let at = states.find(({ weight }) => weight === event.weight);
      if (at === undefined) {
        if (states.length >= weightsMax) return states;
        at = { weight: event.weight, candidates: 0, primaries: 0, state: comparison.start() };
        states.push(at);
      }
      at.state = comparison.step(at.state, event);
      at[event.candidate ? "candidates" : "primaries"] += 1;
      return states;
    },
    logEvidence: (states) => (states.length === 0 ? 0 : productEvidence(states.map(({ state }) => comparison.logEvidence(state)))),
    effect(states) {
      const at = best(states);
      return at && comparison.effect(at.state);
    },
    interval(states, alpha) {
      return comparison.interval(best(states)?.state ?? comparison.start(), alpha);
    },
    seen: (states) =>
      states.reduce(
        (sum, { state }) => {
          const { events, effective } = comparison.seen(state);
          return { events: sum.events + events, effective: sum.effective + effective };
        },
        { events: 0, effective: 0 },
      ),
    sides(states) {
      const at = best(states);
      return at && comparison.sides?.(at.state);
    },
  };
}

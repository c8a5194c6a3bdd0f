/**
 * One verdict on a candidate from several comparisons, under one budget of error.
 *
 * Harm: a comparison's evidence reaches 1/alpha_i and its effect is the least that matters or more. The alphas add up to
 * alpha: each comparison has the share of it that it is given, errors the most. So if nothing is worse, harm is ever called
 * with probability alpha_1 + ... + alpha_k = alpha at most (Bonferroni's sum over Ville's inequalities, whatever the
 * comparisons have to do with each other). With alpha of 1 %, half of it for errors, and 1/6 for each of three quantiles,
 * errors need evidence of 200 and a quantile 600; since evidence grows by multiplying, that is a few events more than alone
 * (ln 200 is 5.3, ln 100 is 4.6).
 *
 * Where a difference by itself is no harm, as between a model and the same one trained anew, evidence against none at all is soon
 * there, and an effect from few events is often larger than it is. Such a comparison harms only where the effect is the least that
 * matters for certain (`certain`): its interval, with its own alpha_i, lies there.
 *
 * Not worse: every comparison's interval lies below its margin. Each may use the whole of alpha, since all have to be right:
 * if one is worse by its margin or more, its own interval has to miss, which happens with probability alpha at most (R.
 * Berger, Technometrics 24 (1982)). With k weights in a row, k times that, as intervals begin anew at each.
 *
 * Else: continue, and inconclusive when the time box is over; then a person decides. Harm goes before not worse.
 */
import type { Interval } from "../guarantee/interval.ts";
import { checkAlpha } from "../guarantee/interval.ts";
import type { Comparison, Seen } from "./comparison.ts";

export const verdicts = ["harm", "not-worse", "continue", "inconclusive"] as const;
export type RolloutVerdict = (typeof verdicts)[number];

export interface Judged<Event, State> {
  readonly comparison: Comparison<Event, State>;
  /** Of alpha, above 0; shares are taken in proportion to their sum. */
  readonly share: number;
  /** Effects below this are never called harm, however certain; in the comparison's unit. */
  readonly minimumHarm: number;
  /** Whether the effect has to be that much for certain, and not only as it seems. */
  readonly certain?: boolean;
  /** Not worse means: worse by less than this, for certain; in the comparison's unit. Infinity: only harm is looked for. */
  readonly margin: number;
}

export interface ComparisonReading extends Seen {
  readonly verdict: "harm" | "not-worse" | "continue";
  /** Base 10, and what it has to reach. */
  readonly log10Evidence: number;
  readonly threshold: number;
  readonly effect: number | undefined;
  readonly interval: Interval;
  /** Present where the comparison tells what each side is by itself. */
  readonly sides?: { readonly candidate: number; readonly primary: number };
}

export interface JudgeReading<Name extends string> {
  readonly verdict: RolloutVerdict;
  /** Those that called harm. */
  readonly harmed: readonly Name[];
  readonly comparisons: Readonly<Record<Name, ComparisonReading>>;
}

/** The event of a comparison and its state. */
type EventOf<J> = J extends Judged<infer Event, infer _> ? Event : never;
type StateOf<J> = J extends Judged<infer _, infer State> ? State : never;

// The event and the state of a comparison are its own affair.
// oxlint-disable-next-line typescript/no-explicit-any
type Any = Judged<any, any>;

export interface Judge<C extends Record<string, Any>> {
  start(): { [Name in keyof C]: StateOf<C[Name]> };
  /** Consumes the state of one comparison. */
  step<Name extends keyof C & string>(state: { [N in keyof C]: StateOf<C[N]> }, name: Name, event: EventOf<C[Name]>): void;
  /** Whether this comparison calls harm: cheap enough to be asked after every event of it. */
  isHarmed<Name extends keyof C & string>(state: { [N in keyof C]: StateOf<C[N]> }, name: Name): boolean;
  /**
   * All of it, for people and for promotion. Cost: about a millisecond a comparison.
   *
   * @param silent comparisons that are not waited for: nothing of what they compare has come. They can still have harmed before.
   */
  read(state: { [N in keyof C]: StateOf<C[N]> }, timeIsUp: boolean, silent?: ReadonlySet<string>): JudgeReading<keyof C & string>;
}

/** @param alpha the budget, between 0 and 1. @throws RangeError for an alpha, a share, a margin or a minimum harm that makes no sense. */
export function judge<C extends Record<string, Any>>({ alpha, comparisons }: { readonly alpha: number; readonly comparisons: C }): Judge<C> {
  checkAlpha("judge", alpha);
  const names = Object.keys(comparisons) as (keyof C & string)[];
  if (names.length === 0) throw new RangeError("judge: expected comparisons, got none");
  for (const name of names) check(name, of(name));
  const shares = names.reduce((sum, name) => sum + of(name).share, 0);
  const thresholdOf = (name: keyof C & string): number => Math.log(shares / (alpha * of(name).share));

  function of(name: keyof C & string): Any {
    return comparisons[name] as Any;
  }

  const isHarmed: Judge<C>["isHarmed"] = (state, name) => {
    const { comparison, minimumHarm, certain = false } = of(name);
    const threshold = thresholdOf(name);
    if (comparison.logEvidence(state[name], threshold) < threshold) return false;
    const effect = comparison.effect(state[name]);
    if (effect === undefined || effect < minimumHarm) return false;
    return !certain || comparison.interval(state[name], Math.exp(-threshold)).lower >= minimumHarm;
  };

  return {
    start: () => Object.fromEntries(names.map((name) => [name, of(name).comparison.start()])) as ReturnType<Judge<C>["start"]>,

    step(state, name, event) {
      state[name] = of(name).comparison.step(state[name], event);
    },

    isHarmed,

    read(state, timeIsUp, silent = new Set()) {
      const readings = names.map((name): [keyof C & string, ComparisonReading] => {
        const { comparison, margin } = of(name);
        const interval = comparison.interval(state[name], alpha);
        const sides = comparison.sides?.(state[name]);
        return [
          name,
          {
            verdict: isHarmed(state, name) ? "harm" : interval.upper < margin || margin === Infinity ? "not-worse" : "continue",
            log10Evidence: comparison.logEvidence(state[name]) / Math.LN10,
            threshold: thresholdOf(name) / Math.LN10,
            effect: comparison.effect(state[name]),
            interval,
            ...comparison.seen(state[name]),
            ...(sides !== undefined && { sides }),
          },
        ];
      });
      const harmed = readings.filter(([, { verdict }]) => verdict === "harm").map(([name]) => name);
      const awaited = readings.filter(([name]) => !silent.has(name));
      const proved = awaited.length > 0 && awaited.every(([, { verdict }]) => verdict === "not-worse");
      return {
        verdict: harmed.length > 0 ? "harm" : proved ? "not-worse" : timeIsUp ? "inconclusive" : "continue",
        harmed,
        comparisons: Object.fromEntries(readings) as JudgeReading<keyof C & string>["comparisons"],
      };
    },
  };
}

function check(name: string, { share, minimumHarm, margin }: Any): void {
  if (!(share > 0 && share < Infinity)) throw new RangeError(`judge: ${name}: share must be above 0, got ${share}`);
  if (!(minimumHarm >= 0 && minimumHarm < Infinity)) throw new RangeError(`judge: ${name}: minimumHarm must be 0 or more, got ${minimumHarm}`);
  if (!(margin > 0)) throw new RangeError(`judge: ${name}: margin must be above 0, got ${margin}`);
}

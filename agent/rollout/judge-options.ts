/**
 * What a config may say about how a candidate is judged. Apart from the judge, which runs in a thread that must not load the
 * schema library.
 *
 * The defaults are for a model that was trained anew on later data: its scores and some of its answers are others than before,
 * and that alone is no harm. So what says that it is worse (errors, latency, actuals) is judged strictly, while what only says that
 * it is different (scores, their differences, disagreement) has to be different by more than training anew makes it, and scores for
 * certain. Version 2 of the example, trained on later census rows, answers 3 % of them otherwise and shifts ranks by 0.05; version
 * 3, with exchanged columns, 23 % and 0.1.
 */
import * as z from "zod";
import { groupings } from "../../detectors/judge/grouping.ts";
import { duration } from "../units.ts";

/** Of the budget alpha, in proportion to the sum of all that are compared; 0: not compared. */
const share = (of: number) => z.number().min(0).max(1_000).default(of);
/** In the comparison's unit. */
const minimumHarm = (of: number) => z.number().min(0).max(1_000).default(of);
const margin = (of: number | false) => z.union([z.number().positive().max(1_000), z.literal(false)], { error: "expected a number above 0, or false: then only harm is looked for" }).default(of);
const ratio = (of: number) => z.number().min(0.1).max(10).default(of);
const required = () => z.boolean().default(false);
const quantile = z.number().gt(0).lt(1);

/** Names of what is compared in any case; a metric needs another. */
export const builtIn = ["errors", "accuracy", "scores", "disagreement", "difference", "latency"] as const;

export const metricOptions = z.strictObject({
  /** A label, and a word for people. */
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,39}$/, { error: "expected lower-case letters, digits and _, such as refused_loans" })
    .refine((name) => !(builtIn as readonly string[]).includes(name) && !/^(latency_p|shadow_)/.test(name), { error: "is the name of a comparison that there is already; choose another" }),
  /** In CEL, over `row`, `answer`, `actual`, `latency_ms` and `failed`. True is bad; of a number `worse` says which way is. */
  expression: z.string().min(1).max(2_000),
  worse: z.enum(["higher", "lower"]).default("higher"),
  share: share(1),
  /** Of a truth value a difference of ratios; of a number a shift of rank, 0.5 at most. */
  minimumHarm: minimumHarm(0.05),
  margin: margin(0.1),
  required: required(),
});
export type MetricOptions = z.output<typeof metricOptions>;

export const judgeOptions = z.strictObject({
  /** The chance that a candidate that is worse in nothing is ever called harmful, over all that is compared and all looks. */
  alpha: z.number().min(1e-6).max(0.2).default(0.01),
  /** What is judged as one event: each inference, each key's first, or what shares a second. Absent: `key` where clients are told apart by a key, else `each`. */
  grouping: z.enum(groupings).optional(),
  errors: z
    .strictObject({
      share: share(3),
      /** How many times as often as the primary it may fail. */
      ratio: ratio(1),
      /** One failure more in two hundred is noticed by users; less is left to be judged by people. */
      minimumHarm: minimumHarm(0.005),
      /** Half of it takes four times the requests, 20,000 at a weight of 10 % where one in two hundred fails. */
      margin: margin(0.02),
    })
    .prefault({}),
  latency: z
    .strictObject({
      quantiles: z.array(quantile).max(8).refine((all) => new Set(all).size === all.length, { error: "names one twice" }).default([0.5, 0.95, 0.99]),
      /** Of each quantile. */
      share: share(1),
      ratio: ratio(1),
      /** A primary's quantile below it counts as this much: half a millisecond is no harm, however short the answers are. */
      floor: duration(0).prefault("5ms"),
      /** Of the primary's quantile: machines differ by as much from hour to hour. */
      minimumHarm: minimumHarm(0.1),
      margin: margin(0.25),
      /** Those that have to be shown not to be worse. Of the others only harm is looked for: to bound a p99 takes thousands of answers of the candidate. */
      proof: z.array(quantile).max(8).default([0.5]),
    })
    .prefault({}),
  /** By actuals, as they come. */
  accuracy: z.strictObject({ share: share(1), minimumHarm: minimumHarm(0.02), margin: margin(0.05), required: required() }).prefault({}),
  /** Shift or spread of the ranks of scores, 0.5 at most: 0.1 is that a score of the candidate exceeds one of the primary in 60 % of cases. Harm where it is that for certain. */
  scores: z.strictObject({ share: share(0.5), minimumHarm: minimumHarm(0.1), margin: margin(0.2) }).prefault({}),
  /** Where the candidate gets copies: both sides' answers to one and the same request. */
  shadow: z
    .strictObject({
      errors: z.strictObject({ share: share(3), ratio: ratio(1), minimumHarm: minimumHarm(0.005), margin: margin(0.02) }).prefault({}),
      /** Later than the other side by more than `ratio`. */
      latency: z.strictObject({ share: share(0.5), ratio: z.number().min(1).max(10).default(1.25), minimumHarm: minimumHarm(0.2), margin: margin(false) }).prefault({}),
      accuracy: z.strictObject({ share: share(1), minimumHarm: minimumHarm(0.02), margin: margin(0.05), required: required() }).prefault({}),
      disagreement: z
        .strictObject({
          share: share(0.5),
          /** Ratio of rows that may be answered otherwise. */
          allowed: z.number().gt(0).lt(1).default(0.1),
          minimumHarm: minimumHarm(0.05),
          margin: margin(0.05),
        })
        .prefault({}),
      /** Mean difference of scores; of the numbers of a regression as a ratio of the larger one. Harm where it is that for certain. */
      difference: z.strictObject({ share: share(0.5), minimumHarm: minimumHarm(0.1), margin: margin(0.2) }).prefault({}),
    })
    .prefault({}),
  tolerance: z
    .strictObject({
      /** Scores that differ by no more are the same answer. */
      score: z.number().min(0).max(1).default(0.1),
      /** Numbers that differ by no more, as a ratio of the larger one, are the same, or true. */
      number: z.number().min(0).max(1).default(0.05),
    })
    .prefault({}),
  /** What matters to the user's own trade. */
  metrics: z
    .array(metricOptions)
    .max(8)
    .refine((metrics) => new Set(metrics.map(({ name }) => name)).size === metrics.length, { error: "two metrics have the same name" })
    .default([]),
});
export type JudgeOptions = z.output<typeof judgeOptions>;

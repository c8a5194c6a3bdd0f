/**
 * What a config may say about the monitors. Apart from the monitors themselves, because the thread that runs them must not
 * load the schema library (13 MB resident).
 */
import * as z from "zod";
import { duration, falseAlarmBudget } from "../units.ts";

const column = () => z.string().min(1).max(200);

export const monitorsOptions = z.strictObject({
  /** How many false alarms are acceptable for the model, over all its features and its score together. */
  falseAlarms: falseAlarmBudget().prefault("1 per 30d"),
  /** Rows that the distances compare with the reference. */
  window: z.int().min(100).max(100_000).default(2_000),
  /** The answer's column with the score, such as `probabilities_1`, or one for each class: `cat=probabilities_0,dog=probabilities_1`. */
  score: z.string().min(1).max(20_000).optional(),
  /** The answer's column with the prediction, such as `label`; needed for accuracy and for the mistakes. */
  prediction: column().optional(),
  /** What kind of answers the model gives, where the reference does not say and they do not look like it. */
  problem: z.enum(["binary", "multiclass", "regression"]).optional(),
  /** Names for the columns, where the model takes one single matrix. */
  features: z.array(column()).min(1).max(1_000).optional(),
  /** Rows of traffic to learn a reference from, where none is given. */
  learn: z.int().min(500).max(100_000).default(2_000),
  actuals: z
    .strictObject({
      /** Rows of answers that wait for their actuals (so at most that many inferences); beyond that the oldest go. */
      buffer: z.int().min(1).max(1_000_000).default(100_000),
      /** An actual that comes later than this is unknown. */
      ttl: duration().prefault("1d"),
      /** Rows over which performance is taken: realised, the latest with their actuals; estimated, the latest answers. */
      window: z.int().min(100).max(100_000).default(5_000),
    })
    .prefault({}),
  /** Page and Hinkley's test on the logarithm of the median latency of each second. */
  latency: z
    .strictObject({
      /** A rise below this is slack: 0.5 is a factor of 1.65. */
      delta: z.number().positive().default(0.5),
      /** Seconds times the rise beyond the slack that make a warning: at ten times the latency 6 s, at twice 52 s. */
      lambda: z.number().positive().default(10),
    })
    .prefault({}),
  /** A model of the user's that makes numbers of whole rows, watched as features are; none without it. */
  featuriser: z
    .strictObject({
      /** Path of the ONNX file. */
      model: z.string({ error: "expected the path of an ONNX model" }).min(1),
      /** What is watched: the error of an autoencoder, or random projections of an embedding. */
      kind: z.enum(["autoencoder", "embedding"]).default("autoencoder"),
      /** Projections of an embedding. */
      outputs: z.int().min(1).max(100).default(8),
      /** Of the directions of the projections. */
      seed: z.int().min(0).max(2 ** 31 - 1).default(1),
      /** The columns of a model that takes one single matrix, in its order; `monitors.features` without it. */
      features: z.array(column()).min(1).max(1_000).optional(),
    })
    .optional(),
  /** So many features, the first of the reference, export how many rows fell into each of their bins: about 26 series each. The score always does, unless this is 0. */
  bins: z.int().min(0).max(128).default(32),
  /** How often the monitors' state is kept for a restart. */
  snapshot: duration(100).prefault("5s"),
  /** An alarm is over after so long without new evidence. */
  clear: duration().prefault("10m"),
});
export type MonitorsOptions = z.infer<typeof monitorsOptions>;

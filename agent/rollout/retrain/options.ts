/** What a config may say about training anew: when it is asked for, what goes with it, and who is asked. */
import * as z from "zod";
import { bytes, duration, timesPer } from "../../units.ts";
import { retrainStreams } from "./when.ts";

const column = () => z.string().min(1).max(200);
const name = () => z.string().min(1).max(250).regex(/^[A-Za-z0-9][\w.-]*$/, "expected a letter or digit, then letters, digits, dots, hyphens and underscores");

const common = {
  /** Of the service, without the path that its kind adds; of a `cloudevent` or `webhook` the whole address. */
  url: z.url({ protocol: /^https?$/, error: "expected an http or https URL" }),
  /** Sent along. A secret belongs into `tokenFile`. */
  headers: z.record(z.string().regex(/^[\w-]+$/, "expected a header's name"), z.string().max(1_000).regex(/^[\x20-\x7e]*$/, "expected one line of ASCII")).default({}),
  /** Its content goes along as a bearer token, read anew at every attempt. */
  tokenFile: z.string().min(1).optional(),
  /** Of one attempt. */
  timeout: duration(100).prefault("10s"),
  /** Further attempts after the first, where the target is away or overloaded. */
  retries: z.int().min(0).max(1_000).default(30),
};

export const targetOptions = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("cloudevent"), ...common, /** Of the HTTP binding. */ mode: z.enum(["structured", "binary"]).default("structured") }),
  z.strictObject({ kind: z.literal("webhook"), ...common }),
  z.strictObject({ kind: z.literal("airflow"), ...common, /** The DAG to run. */ dag: name() }),
  z.strictObject({ kind: z.literal("argo-workflows"), ...common, namespace: name(), /** A WorkflowTemplate. */ template: name() }),
  z.strictObject({ kind: z.literal("kubeflow"), ...common, /** Ids, as the server made them. */ pipeline: name(), version: name().optional(), experiment: name().optional() }),
  z.strictObject({ kind: z.literal("github"), ...common, url: common.url.prefault("https://api.github.com"), repository: z.string().regex(/^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9_.-]*[A-Za-z0-9_-][\w.-]*$/, 'expected "owner/name"'), event: z.string().min(1).max(100).default("retrain") }),
]);
export type TargetOptions = z.output<typeof targetOptions>;

export const redactOptions = z
  .strictObject({
    /** What becomes of a column that no list names. */
    default: z.enum(["keep", "drop"]).default("keep"),
    /** Names of columns, of requests or answers; `*` stands for any characters. */
    keep: z.array(column()).max(1_000).default([]),
    drop: z.array(column()).max(1_000).default([]),
    /** Written as their HMAC-SHA256 with the key in `keyFile`. */
    hash: z.array(column()).max(1_000).default([]),
    keyFile: z.string().min(1).optional(),
    /** Numbers of a column to multiples of a step. */
    round: z.record(column(), z.number().positive()).default({}),
    /** The ids of inferences, by which rows can be joined elsewhere. */
    inferenceIds: z.enum(["keep", "drop", "hash"]).default("keep"),
  })
  .refine(({ hash, inferenceIds, keyFile }) => keyFile !== undefined || (hash.length === 0 && inferenceIds !== "hash"), { path: ["keyFile"], error: "is missing: what is hashed needs a key, a file with at least 16 bytes that nobody else knows" })
  .refine(({ keep, drop, hash }) => new Set([...keep, ...drop, ...hash]).size === keep.length + drop.length + hash.length, { error: "a name stands twice in keep, drop and hash; a column is kept, dropped or hashed" });

export const retrainOptions = z.strictObject({
  /** Without it no row is kept and nothing is asked for. */
  enabled: z.boolean().default(false),
  /** Whose alarms ask. */
  streams: z.array(z.enum(retrainStreams)).default(["features", "mistakes", "error-rate"]),
  /** An alarm asks when it has lasted so long. */
  dwell: duration().prefault("1h"),
  /** So many requests in so long, those of people among them. */
  budget: timesPer().prefault("1 per 7d"),
  /** The least time between two. */
  pause: duration().prefault("1d"),
  /** Rows with their true answer that the window must have before it is asked by itself. */
  actuals: z.int().min(0).max(1_000_000).default(0),
  window: z
    .strictObject({
      /** Rows and memory; the oldest go. */
      rows: z.int().min(1).max(1_000_000).default(20_000),
      bytes: bytes().prefault("32MiB"),
      format: z.enum(["jsonl", "parquet"]).default("jsonl"),
    })
    .prefault({}),
  redact: redactOptions.prefault({}),
  /** Where windows are written; `retrain` beside the state file without it. */
  folder: z.string().min(1).optional(),
  /** What stands before a file's name for whoever is asked, such as `s3://bucket/windows/`; the folder's own path without it. */
  location: z.string().min(1).max(1_000).optional(),
  /** How much is left lying there; the oldest go. */
  keep: z.strictObject({ windows: z.int().min(1).max(1_000).default(5), bytes: bytes().prefault("256MiB") }).prefault({}),
  targets: z.array(targetOptions).max(20).default([]),
});
export type RetrainOptions = z.output<typeof retrainOptions>;

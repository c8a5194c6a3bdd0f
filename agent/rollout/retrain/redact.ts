/**
 * What of a window leaves: which columns, and what is done to their values before they are written anywhere. Decided by the names
 * of columns alone, so that it can be read off the config; what is dropped or hashed never reaches a file.
 */
import { createHmac } from "node:crypto";
import type { Value } from "../../protocols/protocol.ts";

/** As in the config (options.ts). */
export interface Redaction {
  readonly default: "keep" | "drop";
  readonly keep: readonly string[];
  readonly drop: readonly string[];
  readonly hash: readonly string[];
  readonly round: Readonly<Record<string, number>>;
  readonly inferenceIds: "keep" | "drop" | "hash";
}

export interface Treatment {
  readonly action: "keep" | "drop" | "hash" | "round";
  /** What becomes of a value. */
  readonly apply: (value: Value) => Value;
}

const kept: Treatment = { action: "keep", apply: (value) => value };
const dropped: Treatment = { action: "drop", apply: () => null };

/**
 * @param key of the HMAC; undefined where nothing is hashed.
 * @returns what becomes of a column by its names: its own, and the one that it has in the file. To drop goes before to hash,
 * both before to keep. Columns of the inference itself are kept unless they are named. Throws where something is hashed without a key.
 */
export function redactor({ default: otherwise, keep, drop, hash, round, inferenceIds }: Redaction, key: Uint8Array | undefined): (names: readonly string[], own: boolean) => Treatment {
  const [keeps, drops, hashes] = [keep, drop, hash].map((patterns) => patterns.map(patternOf)) as [RegExp[], RegExp[], RegExp[]];
  const steps = Object.entries(round).map(([pattern, step]) => ({ pattern: patternOf(pattern), step }));

  function hashed(): Treatment {
    if (key === undefined) throw new Error("a column is to be hashed, and there is no key");
    const known = new Map<string, string>();
    return {
      action: "hash",
      apply(value) {
        if (value === null) return null;
        const text = String(value);
        const before = known.get(text);
        if (before !== undefined) return before;
        const digest = createHmac("sha256", key).update(text).digest("hex");
        if (known.size < rememberedMax) known.set(text, digest);
        return digest;
      },
    };
  }

  return (names, own) => {
    const isAmong = (patterns: readonly RegExp[]) => patterns.some((pattern) => names.some((name) => pattern.test(name)));
    if (isAmong(drops)) return dropped;
    if (isAmong(hashes)) return hashed();
    if (own && names.includes("inference_id") && inferenceIds !== "keep") return inferenceIds === "drop" ? dropped : hashed();
    if (!own && otherwise === "drop" && !isAmong(keeps)) return dropped;
    const step = steps.find(({ pattern }) => isAmong([pattern]))?.step;
    return step === undefined ? kept : { action: "round", apply: (value) => (typeof value === "number" ? rounded(value, step) : value) };
  };
}

/** Digests that are remembered while a column is written. */
const rememberedMax = 10_000;

/** To the nearest multiple, without the tail that a step such as 0.1 would leave. */
function rounded(value: number, step: number): number {
  return Number.isFinite(value) ? Number((Math.round(value / step) * step).toPrecision(15)) : value;
}

/** `*` stands for any characters. */
function patternOf(pattern: string): RegExp {
  return new RegExp(`^${pattern.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`, "s");
}

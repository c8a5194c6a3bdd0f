/**
 * The ladder: who answers after the primary, in the config's order. Each rung answers in the primary's own shape, says which
 * version of what has answered, and never rejects.
 */
import { z } from "zod";
import { primaryName } from "../backend.ts";
import type { Question, Rung, RungAnswer } from "../backend.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { ModelDescription, Protocol } from "../protocols/protocol.ts";
import { duration } from "../units.ts";
import { defaultRung } from "./default-rung.ts";
import { OnnxRung } from "./onnx-rung.ts";

/** A rung's name is a label, a header and a word for people. */
const rungName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, "expected 1 to 63 letters, digits, _ . or -, the first a letter or digit");
/** It is sent in a header. */
const version = z.string().regex(/^[\x21-\x7e]{1,128}$/, "expected 1 to 128 visible ASCII characters, no space");
const scalar = z.union([z.number(), z.string(), z.boolean()]);

const onnxOptions = z.strictObject({
  kind: z.literal("onnx"),
  name: rungName.default("onnx"),
  /** Path of the model's file. */
  model: z.string({ error: "expected the path of an ONNX model" }).min(1),
  version: version.optional(),
  /** For one answer. */
  timeout: duration().default(1_000),
  /** Questions that may wait at once. */
  waiting: z.int().min(1).default(1_024),
  /** The order of the columns of a single matrix. */
  features: z.array(z.string().min(1)).min(1).optional(),
});

const defaultOptions = z.strictObject({
  kind: z.literal("default"),
  name: rungName.default("default"),
  /** For each output its value, or its values where a row has several. */
  outputs: z.record(z.string().min(1), z.union([scalar, z.array(scalar).min(1)], { error: "expected a value, or a list of values" }), { error: "expected each output's name with its value" }),
  version: version.optional(),
});

export const ladderOptions = z.array(z.discriminatedUnion("kind", [onnxOptions, defaultOptions]));
export type LadderOptions = z.output<typeof ladderOptions>;

export interface LadderDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly protocol: Protocol;
  /** The primary's model, once its metadata is known. */
  readonly describe: () => ModelDescription | undefined;
}

export interface Ladder {
  /** In the order in which they are asked. */
  readonly rungs: readonly Rung[];
  /** The names of those that can answer now: a rung whose model can not be loaded is out. */
  usable(): readonly string[];
  /** Loads what has to be loaded. Never rejects: what can not be loaded is logged with its path. */
  start(): Promise<() => Promise<void>>;
}

/** @throws RangeError where two rungs bear one name, or one bears the primary's. */
export function ladder(options: LadderOptions, deps: LadderDeps): Ladder {
  const names = options.map(({ name }) => name);
  const taken = names.find((name, index) => name === primaryName || names.indexOf(name) !== index);
  if (taken !== undefined) throw new RangeError(`ladder: the name ${taken} is taken`);

  const onnxRungs: OnnxRung[] = [];
  const rungs = options.map((rung): Rung => {
    if (rung.kind === "default") return forItsModel(defaultRung(rung, deps), deps);
    const onnx = new OnnxRung(rung, deps);
    onnxRungs.push(onnx);
    return forItsModel(onnx, deps);
  });
  return {
    rungs,
    usable: () => names.filter((name) => onnxRungs.find((rung) => rung.name === name)?.ready ?? true),
    async start() {
      const closes = await Promise.all(onnxRungs.map((rung) => rung.start()));
      return async () => {
        await Promise.all(closes.map((close) => close()));
      };
    },
  };
}

/** The ladder stands in for one model. A question for another is not answered in its name. */
function forItsModel(rung: Rung, { protocol, describe }: LadderDeps): Rung {
  return {
    name: rung.name,
    kind: rung.kind,
    answer(question: Question, signal: AbortSignal): Promise<RungAnswer> {
      const asked = protocol.inferenceOf(question.method, question.path)?.model;
      const model = describe()?.name;
      if (model === undefined || asked === model) return rung.answer(question, signal);
      return Promise.resolve({ outcome: "unsupported", detail: `it stands in for ${model}, not for ${asked}` });
    },
  };
}

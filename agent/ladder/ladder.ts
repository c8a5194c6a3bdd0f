/**
 * The ladder: who answers after the primary, in the config's order. Each rung answers in the primary's own shape, says which
 * version of what has answered, never rejects, and stands behind its guards (guard.ts).
 */
import * as z from "zod";
import type { Question, Rung } from "../backend.ts";
import type { Clock } from "../clock.ts";
import type { RungPrice } from "../judgement.ts";
import type { Log } from "../log.ts";
import type { CopyObservation } from "../observation.ts";
import type { PlainOptions } from "../protocols/plain-options.ts";
import type { ModelDescription, Protocol } from "../protocols/protocol.ts";
import { isOfAnother } from "./answer.ts";
import { Copies, rungKey } from "./copies.ts";
import type { CopiesOptions, CopyResult } from "./copies.ts";
import { defaultRung } from "./default-rung.ts";
import { ensembleRung } from "./ensemble-rung.ts";
import { guarded } from "./guard.ts";
import type { GuardedRung, GuardOptions } from "./guard.ts";
import type { LadderRung } from "./ladder-rung.ts";
import { LastGoodRung } from "./last-good-rung.ts";
import type { GoodAnswer } from "./last-good-rung.ts";
import { memberMistakes, nameMistakes } from "./mistakes.ts";
import { OnnxRung } from "./onnx-rung.ts";
import { instantGuards } from "./options.ts";
import { Qualified } from "./qualified.ts";
import type { QualifiedOptions } from "./qualified.ts";
import type { Send } from "./relay.ts";
import { replicaRung } from "./replica-rung.ts";
import { featuresOf } from "./rules-file.ts";
import { rulesRung } from "./rules-rung.ts";
import type { Feature } from "./rule-options.ts";
import { rungOptions } from "./rung-options.ts";
import type { RungKind, RungOptions } from "./rung-options.ts";
import type { InRange } from "./validity.ts";
import { VersionRung } from "./version-rung.ts";

export const ladderOptions = z.array(rungOptions).max(64);
export type LadderOptions = z.output<typeof ladderOptions>;

export interface LadderDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly protocol: Protocol;
  /** Of the protocol `plain`: what it was made from, for threads that make it anew. */
  readonly plain?: PlainOptions | undefined;
  /** The primary's model, once its metadata is known. */
  readonly describe: () => ModelDescription | undefined;
  /** The primary. */
  readonly server: URL;
  /** Asks another server, over connections that are kept. */
  readonly send: Send;
  /** The version that was last seen to serve well before the present one. */
  readonly knownGood: () => string | undefined;
  /** The features that the reference knows, in its order. */
  readonly features: () => readonly Feature[] | undefined;
  /** Where rows leave the reference's range, in a sentence; undefined where they do not. No reference is a sentence too. */
  readonly inRange: InRange;
  /** How far the members of an ensemble disagreed, from 0 to 1. */
  readonly disagreement: (rung: string, ratio: number) => void;
  /** Something bounded let go of what it held. */
  readonly dropped: (what: string, count?: number) => void;
  /** Absent: no rung is asked with copies, and all are eligible. */
  readonly qualification?: QualificationDeps | undefined;
}

export interface QualificationDeps {
  readonly options: CopiesOptions & QualifiedOptions;
  /** Hears what a rung answered to a copy. */
  readonly observe: (copy: CopyObservation) => void;
  readonly counted: (rung: string, result: CopyResult) => void;
}

export interface Ladder {
  /** In the order in which they are asked. */
  readonly rungs: readonly Rung[];
  /** The names of those that would be asked and could answer now. */
  usable(): readonly string[];
  /** Keeps an answer of the primary for rungs that give it again; nothing happens where there are none. Nobody waits for it. */
  readonly remember: (question: Question, answer: GoodAnswer) => void;
  /** Asks rungs with copies of an inference that the primary answered; before the answer is remembered. Nobody waits for it. */
  readonly offer: (inferenceId: string, question: Question, answer: GoodAnswer, atWallMs: number) => void;
  /** The primary has described its model: what could not be checked before is checked now, and not by the first question. */
  readonly described: () => void;
  /** What the rungs are worth: those that would answer badly are not asked. */
  readonly qualify: (prices: readonly RungPrice[]) => void;
  /** What a rung is worth; undefined where nothing is known of it. */
  readonly price: (rung: string) => RungPrice | undefined;
  /** Why the rung is not asked unless a person pins it, in a sentence; undefined where it may be asked. */
  readonly doubt: (rung: string) => string | undefined;
  /** Loads what has to be loaded. Never rejects: what can not be loaded is logged with its path. */
  start(): Promise<() => Promise<void>>;
}

type OptionsOf = { readonly [K in RungKind]: Extract<RungOptions, { kind: K }> };
interface Parts extends LadderDeps {
  readonly rung: (name: string) => GuardedRung | undefined;
}

const kinds: { readonly [K in RungKind]: (options: OptionsOf[K], parts: Parts) => LadderRung } = {
  replica: replicaRung,
  version: (options, parts) => new VersionRung(options, parts),
  onnx: (options, parts) => new OnnxRung(options, parts),
  ensemble: ensembleRung,
  rules: rulesRung,
  "last-good": (options, parts) => new LastGoodRung(options, parts),
  default: defaultRung,
};

function make<K extends RungKind>(options: OptionsOf[K], parts: Parts): LadderRung {
  return kinds[options.kind as K](options, parts);
}

/** @throws RangeError where two rungs bear one name, one bears the primary's, or an ensemble has a member that can be none. */
export function ladder(options: LadderOptions, deps: LadderDeps): Ladder {
  const [mistake] = [...nameMistakes(options), ...options.flatMap((rung, index) => memberMistakes(rung, index, options))];
  if (mistake !== undefined) throw new RangeError(`${mistake.path}: ${mistake.message}`);

  const byName = new Map<string, GuardedRung>();
  const parts: Parts = { ...deps, rung: (name) => byName.get(name) };
  const memories: LastGoodRung[] = [];
  const keyed = options.map((rung) => ({ name: rung.name, kind: rung.kind, key: rungKey(rung, options) }));
  const qualified = new Qualified(deps.qualification?.options, keyed, deps.log);
  for (const rung of options) {
    const made = make(rung, parts);
    if (made instanceof LastGoodRung) memories.push(made);
    byName.set(rung.name, guarded(made, { ...guardsOf(rung), inside: isInside(rung, options) }, { ...deps, barred: (name) => qualified.barred(name) }));
  }
  const rungs = [...byName.values()];
  const copied = options.map((rung, index) => {
    const members = rung.kind === "ensemble" ? rung.members.flatMap((name) => byName.get(name) ?? []) : [];
    return { rung: rungs[index] as GuardedRung, key: rungKey(rung, options), members };
  });
  const copies = deps.qualification && new Copies(deps.qualification.options, copied, { ...deps, ...deps.qualification });
  return {
    rungs,
    offer(inferenceId, question, answer, atWallMs) {
      // A rung can not answer for another model, which is none of its faults.
      if (!isOfAnother(deps.protocol, question, deps.describe()?.name)) copies?.offer(inferenceId, question, answer, atWallMs);
    },
    described: () => rungs.forEach((rung) => rung.described()),
    qualify: (prices) => qualified.take(prices),
    price: (rung) => qualified.price(rung),
    doubt: (rung) => qualified.barred(rung),
    usable: () => rungs.filter(({ usable }) => usable).map(({ name }) => name),
    remember: (question, answer) => memories.forEach((memory) => memory.remember(question, answer)),
    async start() {
      const closes = await Promise.all(rungs.map((rung) => rung.start()));
      return async () => {
        await Promise.all(closes.map((close) => close()));
      };
    },
  };
}

/** It asks no server; an ensemble asks one where any of its members does. */
function isInside(rung: RungOptions, all: LadderOptions): boolean {
  switch (rung.kind) {
    case "replica":
    case "version":
      return false;
    case "onnx":
    case "rules":
    case "last-good":
    case "default":
      return true;
    case "ensemble":
      return rung.members.every((name) => all.some((member) => member.name === name && member.kind !== "ensemble" && isInside(member, all)));
  }
}

/** A replica has a circuit for each of its servers; an ONNX rung has a queue and a time-out that know its thread. */
function guardsOf(rung: RungOptions): GuardOptions {
  const { circuit, bulkhead, timeout } = { ...instantGuards, ...rung };
  return {
    validity: rung.validity,
    features: rung.kind === "rules" ? rung.features && featuresOf(rung.features).map(({ name }) => name) : rung.features,
    circuit: rung.kind === "replica" ? undefined : circuit,
    bulkhead: rung.kind === "onnx" ? undefined : { ...bulkhead, timeoutMs: timeout },
  };
}

/**
 * An answer made of several rungs' answers: they are asked at once, and what has come within most of the time is combined
 * (combine.ts), if it is a quorum. The answer names its members in `pilotfish-members`, and whom it had to leave out, with the
 * reason, in `pilotfish-members-left-out`; how far they disagree is told as a number, for they may disagree before they fail.
 *
 * Members are rungs of the same ladder, each behind its own guards. A rung of kind last-good stands for the primary itself.
 */
import * as z from "zod";
import type { Question, Rung, RungAnswer } from "../backend.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { ModelDescription, Protocol } from "../protocols/protocol.ts";
import { answerOf, unreadable } from "./answer.ts";
import { agreeing, combine, methods, shapeInWords } from "./combine.ts";
import type { Said } from "./combine.ts";
import type { LadderRung } from "./ladder-rung.ts";
import { featureNames, guardOptions, modelVersion, rungName } from "./options.ts";
import { timeSlice } from "./time-slice.ts";

export const ensembleOptions = z.strictObject({
  kind: z.literal("ensemble"),
  name: rungName.default("ensemble"),
  /** Names of rungs of this ladder. */
  members: z.array(rungName).min(1).max(32),
  /** For numbers; whole numbers, text and truth values are voted on. */
  combine: z.enum(methods).default("mean"),
  /** Another method for an output. */
  outputs: z.record(z.string().min(1), z.enum(methods)).default({}),
  /** By member; 1 for who is not named. */
  weights: z.record(rungName, z.number().positive()).default({}),
  /** Members that must answer; more than half of them where it is not given. */
  quorum: z.int().min(1).optional(),
  version: modelVersion.optional(),
  features: featureNames.optional(),
  ...guardOptions({ active: 64, waiting: 256, timeoutMs: 1_000 }),
});
export type EnsembleRungOptions = z.output<typeof ensembleOptions>;

export interface EnsembleRungDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly protocol: Protocol;
  readonly describe: () => ModelDescription | undefined;
  /** A rung of the ladder, with its guards; undefined where there is none of that name. */
  readonly rung: (name: string) => (Rung & { readonly usable: boolean; readonly asleep: boolean }) | undefined;
  /** How far the members of a rung disagreed, from 0 to 1. */
  readonly disagreement: (rung: string, ratio: number) => void;
}

/** Members are waited for in this much of the time; what is left is for combining and sending. */
const memberShare = 0.8;

/** Why a member had no part in an answer. */
type LeftOut = Exclude<RungAnswer["outcome"], "ok"> | "unreadable" | "shape";

export function ensembleRung(options: EnsembleRungOptions, deps: EnsembleRungDeps): LadderRung {
  const { name, version } = options;
  const { clock, log, protocol, describe } = deps;
  const quorum = options.quorum ?? (options.members.length >> 1) + 1;
  /** What was last said of each member that was left out for its shape: once, not with every request. */
  const told = new Set<string>();

  async function ask(question: Question, signal: AbortSignal): Promise<readonly (readonly [string, RungAnswer])[]> {
    const nowMs = clock.monotonicMs();
    const timeMs = memberShare * ((question.deadlineMs ?? nowMs + options.timeout) - nowMs);
    const slice = timeSlice(clock, timeMs, signal);
    const toMembers: Question = { ...question, deadlineMs: nowMs + timeMs, pinned: undefined };
    const answers = await Promise.all(
      options.members.map(async (member): Promise<readonly [string, RungAnswer]> => {
        const rung = deps.rung(member);
        if (rung === undefined) return [member, { outcome: "error", detail: "there is no such rung" }];
        return [member, await Promise.race([rung.answer(toMembers, slice.signal), slice.late])];
      }),
    );
    slice.end();
    return answers;
  }

  async function answer(question: Question, signal: AbortSignal): Promise<RungAnswer> {
    const request = protocol.parseRequest(question.body, question.path);
    if (!request.ok) return unreadable(request.reason);
    const leftOut = new Map<string, LeftOut>();
    const said: Said[] = [];
    for (const [member, answered] of await ask(question, signal)) {
      if (answered.outcome !== "ok") {
        leftOut.set(member, answered.outcome);
        continue;
      }
      const decoded = protocol.decodeResponse(answered.body);
      if (decoded.ok) said.push({ member, weight: options.weights[member] ?? 1, rows: decoded.rows, columns: decoded.columns });
      else leftOut.set(member, "unreadable");
    }
    const description = describe();
    const { same, others } = agreeing(said, description);
    for (const member of others) {
      leftOut.set(member, "shape");
      if (told.has(member)) continue;
      told.add(member);
      log.warn({ rung: name, member, shapes: Object.fromEntries(said.map((one) => [one.member, shapeInWords(one)])) }, "a member of an ensemble is left out: its answer has another shape than the others'");
    }
    const left = [...leftOut].map(([member, why]) => `${member};${why}`).join(", ");
    if (same.length < quorum) {
      const shapes = others.length === 0 ? "" : `; shapes differ: ${said.map((one) => `${one.member} says ${shapeInWords(one)}`).join(", ")}`;
      return { outcome: signal.aborted ? "timeout" : "error", detail: `${same.length} of ${quorum} members answered${left === "" ? "" : `; left out: ${left}`}${shapes}`.slice(0, 300) };
    }

    const { rows, given, disagreement } = combine(same, options.combine, options.outputs, description);
    if (question.shadow === undefined) deps.disagreement(name, disagreement);
    const combined = answerOf(given, rows, { protocol, question, request, description, version });
    if (combined.outcome !== "ok") return combined;
    const members = same.map(({ member }) => member);
    const headers = { ...combined.headers, "pilotfish-members": members.join(", "), ...(left === "" ? {} : { "pilotfish-members-left-out": left }) };
    return { ...combined, headers, members };
  }

  return {
    name,
    kind: "ensemble",
    get ready() {
      return options.members.filter((member) => deps.rung(member)?.usable === true).length >= quorum;
    },
    get asleep() {
      return options.members.some((member) => deps.rung(member)?.asleep === true);
    },
    answer,
  };
}

/**
 * What people know without a model: rules that were written down, evaluated row by row (rules.ts). They are read and checked
 * when the rung is started; with a mistake in them the rung is left out, and every mistake is logged with its place.
 */
import { z } from "zod";
import type { Question, RungAnswer } from "../backend.ts";
import type { Log } from "../log.ts";
import type { ModelDescription, Protocol } from "../protocols/protocol.ts";
import { answerOf, unreadable } from "./answer.ts";
import type { LadderRung } from "./ladder-rung.ts";
import { modelVersion, rungName, validity } from "./options.ts";
import { featuresOptions, readRules, ruleList } from "./rules-file.ts";
import type { ReadRules } from "./rules-file.ts";
import type { Feature } from "./rule-options.ts";

export const rulesOptions = z.strictObject({
  kind: z.literal("rules"),
  name: rungName.default("rules"),
  /** The rules, or the path of a file with them. */
  rules: z.union([z.string().min(1), ruleList], { error: ({ input }) => (Array.isArray(input) ? undefined : "expected a list of rules, or the path of a file with them") }),
  features: featuresOptions.optional(),
  version: modelVersion.optional(),
  validity,
});
export type RulesRungOptions = z.output<typeof rulesOptions>;

export interface RulesRungDeps {
  readonly log: Log;
  readonly protocol: Protocol;
  readonly describe: () => ModelDescription | undefined;
  /** The features as the reference knows them. */
  readonly features: () => readonly Feature[] | undefined;
}

export function rulesRung({ name, rules, features, version }: RulesRungOptions, { log, protocol, describe, features: known }: RulesRungDeps): LadderRung {
  let read: Extract<ReadRules, { ok: true }> | undefined;
  let why = "it has not been started";

  /** Cost: the request parsed twice, and rules.ts's. */
  const answer = (question: Question): RungAnswer => {
    if (read === undefined) return { outcome: "error", detail: why };
    const request = protocol.parseRequest(question.body, question.path);
    if (!request.ok) return unreadable(request.reason);
    const decoded = protocol.decodeRequest(question.body, read.features.map((feature) => feature.name));
    if (!decoded.ok) return unreadable(decoded.reason);
    const ruled = read.rules.apply(decoded.columns, decoded.rows);
    if (!ruled.ok) return { outcome: "unsupported", detail: ruled.detail };
    return answerOf(ruled.given, decoded.rows, { protocol, question, request, description: describe(), version });
  };

  return {
    name,
    kind: "rules",
    get ready() {
      return read !== undefined;
    },
    async start() {
      const result = await readRules(rules, features, known());
      if (result.ok) read = result;
      else {
        why = `its rules have mistakes: ${result.mistakes.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ")}`.slice(0, 1_000);
        log.error({ rung: name }, `the rung ${name} is out: ${why}`);
      }
      return () => {
        read = undefined;
        why = "it has been stopped";
        return Promise.resolve();
      };
    },
    answer: (question) => Promise.resolve(answer(question)),
  };
}

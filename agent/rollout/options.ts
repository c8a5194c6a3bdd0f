/** What a config may say about rollouts: the candidate and the course of one that is started without saying so, its judge, and who is told. */
import * as z from "zod";
import { rolloutModes } from "../rollout-view.ts";
import { duration } from "../units.ts";
import { actuatorsOptions } from "./actuators/options.ts";
import { versionsOptions } from "./versions/options.ts";
import { candidateProblems } from "./candidate.ts";
import { judgeOptions } from "./judge-options.ts";
import { shadowOptions } from "./shadow-options.ts";

const candidateOptions = z
  .strictObject({
    /** Another server that speaks the primary's protocol. */
    url: z.string().min(1).optional(),
    /** A version, of the primary's own server where no URL is given. */
    version: z.string().min(1).optional(),
    /** A file that the sidecar runs itself. */
    onnx: z.string().min(1).optional(),
  })
  .superRefine((candidate, context) => {
    for (const message of candidateProblems(candidate)) context.addIssue({ code: "custom", message });
  });

/** A share of the traffic: 0.1, or "10%". What a step makes of it is checked with all of them in view. */
const weight = z.union([z.number(), z.string()], { error: 'expected a share of the traffic such as 0.1 or "10%"' }).transform((value, context): number => {
  if (typeof value === "number") return value;
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(value.trim())?.[1];
  if (percent !== undefined) return Number(percent) / 100;
  context.addIssue({ code: "custom", message: `expected a share of the traffic such as 0.1 or "10%", got ${JSON.stringify(value)}` });
  return z.NEVER;
});

const step = z.strictObject({
  /** The candidate's share of the traffic. */
  weight,
  /** How long it is held at least. */
  hold: duration().prefault("5m"),
  /** Without a verdict by then a person is asked. */
  timeBox: duration().prefault("1h"),
});

const steps = z
  .array(step)
  .min(1)
  .max(32)
  .superRefine((list, context) => {
    let before = { share: 0, step: 0 };
    for (const [index, { weight: share, hold, timeBox }] of list.entries()) {
      const problem = (option: string, message: string) => context.addIssue({ code: "custom", path: [index, option], message: `step ${index + 1}: ${message}` });
      if (!(share > 0)) problem("weight", `expected more than 0, got ${share}`);
      else if (share > 1) problem("weight", `${percent(share)} is more than all of the traffic: expected at most 1, which is 100 %${share <= 100 && Number.isInteger(share) ? `; "${share}%" is a percentage` : ""}`);
      else if (share <= before.share) problem("weight", `expected more than the ${percent(before.share)} of step ${before.step}, got ${percent(share)}`);
      else before = { share, step: index + 1 };
      if (timeBox < hold) problem("timeBox", "the time box must not be shorter than the hold");
    }
  });

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(6))} %`;
}

export const rolloutOptions = z.strictObject({
  /** Which one is tried where a start does not say so. */
  candidate: candidateOptions.optional(),
  /** `shadow`: copies alone; `canary`: a share of the traffic; `shadow-then-canary`: the one after the other. */
  mode: z.enum(rolloutModes).default("canary"),
  /** By what a client is known again, so that it stays on its side. */
  key: z
    .strictObject({
      header: z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, "expected a header's name").toLowerCase().optional(),
      cookie: z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, "expected a cookie's name").optional(),
    })
    .refine(({ header, cookie }) => header === undefined || cookie === undefined, "expected a header or a cookie, got both")
    .prefault({}),
  /** While only copies are tried. */
  shadow: shadowOptions
    .extend({
      hold: duration().prefault("10m"),
      timeBox: duration().prefault("1h"),
    })
    .superRefine(({ hold, timeBox }, context) => {
      if (timeBox < hold) context.addIssue({ code: "custom", path: ["timeBox"], message: "the time box must not be shorter than the hold" });
    })
    .prefault({}),
  steps: steps.prefault([{ weight: "5%" }, { weight: "25%" }, { weight: "50%" }]),
  /** How long a candidate may take to be there: to be loaded at a start, and to be back after a restart. */
  loadTimeout: duration(1_000).prefault("5m"),
  judge: judgeOptions.prefault({}),
  actuators: actuatorsOptions,
  versions: versionsOptions.prefault({}),
});
export type RolloutOptions = z.output<typeof rolloutOptions>;

/** A rollout and the known versions as the API shows them: times as ISO 8601, spans in seconds, what is unknown left out. */
import * as z from "zod";
import { verdicts } from "../../detectors/judge/verdict.ts";
import { rolloutModes, type KnownVersion, type RolloutView, type VersionsView } from "../rollout-view.ts";
import { rolloutPhases, type ComparisonShown, type TrialReading } from "../trial.ts";

const time = z.iso.datetime();
const ratio = z.number().min(0).max(1);
const count = z.number().min(0);

const comparison = z.object({
  name: z.string(),
  verdict: z.enum(["harm", "not-worse", "continue"]),
  log10_evidence: z.number().describe("Harm where it reaches the threshold; base 10, for both."),
  threshold: z.number(),
  effect: z.number().optional().describe("By how much the candidate is worse, in `unit`; below 0 where it is better. Absent, as its bounds, while nothing is known."),
  low: z.number().optional(),
  high: z.number().optional(),
  minimum_harm: z.number(),
  margin: z.number(),
  unit: z.enum(["ratio", "relative", "score", "rank"]),
  events: count,
  effective: count.describe("As how many independent events they were judged."),
});

const reading = z.object({
  verdict: z.enum(verdicts),
  harmed: z.array(z.string()).describe("Comparisons that show harm."),
  comparisons: z.array(comparison),
  requests: z.object({ candidate: count, primary: count }),
  pairs: count,
  actuals: count,
  message: z.string(),
  at: time,
});

const candidate = z.object({ url: z.string().optional(), version: z.string().optional(), onnx: z.string().optional() });

export const rolloutSchema = z.object({
  id: z.string(),
  model: z.string(),
  candidate,
  name: z.string().describe("The candidate, for people."),
  primary_version: z.string().optional(),
  mode: z.enum(rolloutModes),
  phase: z.enum(rolloutPhases),
  reason: z.string(),
  step: count.describe("Counted from 1; 0 while only copies are tried."),
  steps: z.array(z.object({ weight: ratio, hold_seconds: count, time_box_seconds: count })),
  weight: ratio.describe("The candidate's share of the traffic."),
  shadow: ratio.describe("Share of inferences that it gets a copy of."),
  started_by: z.string(),
  started_at: time,
  since: time,
  hold_until: time.optional(),
  time_box_until: time.optional(),
  reading: reading.optional(),
  actuations: z.array(z.object({ actuator: z.string(), action: z.string(), result: z.enum(["done", "unconfirmed", "failed", "skipped", "under-way"]), attempts: count, detail: z.string(), at: time })),
  message: z.string(),
});
export type RolloutDocument = z.infer<typeof rolloutSchema>;

const version = z.object({ version: z.string().optional(), digest: z.string().optional(), reference: z.string().optional(), since: time });

export const versionsSchema = z.object({
  current: version.nullable(),
  last_known_good: version.extend({ held_until: time }).nullable().describe("Held its objectives for the dwell, the last that did."),
  good_since: time.optional().describe("Since when the current one holds its objectives."),
  dwell_seconds: count,
  before: z.array(version).describe("The latest last."),
});

export function rolloutShown(view: RolloutView): RolloutDocument {
  const { id, model, name, mode, phase, reason, step, weight, shadow, message } = view;
  return {
    id, model, candidate: { ...view.candidate }, name,
    primary_version: view.primaryVersion,
    mode, phase, reason, step,
    steps: view.steps.map(({ weight: share, holdMs, timeBoxMs }) => ({ weight: share, hold_seconds: holdMs / 1_000, time_box_seconds: timeBoxMs / 1_000 })),
    weight, shadow,
    started_by: view.startedBy,
    started_at: iso(view.startedAtWallMs),
    since: iso(view.sinceWallMs),
    hold_until: isoIf(view.holdUntilWallMs),
    time_box_until: isoIf(view.timeBoxUntilWallMs),
    reading: view.reading && readingShown(view.reading),
    actuations: view.actuations.map(({ actuator, action, result, attempts, detail, atWallMs }) => ({ actuator, action, result, attempts, detail, at: iso(atWallMs) })),
    message,
  };
}

function readingShown({ verdict, harmed, comparisons, requests, pairs, actuals, message, atWallMs }: TrialReading): z.infer<typeof reading> {
  return { verdict, harmed: [...harmed], comparisons: comparisons.map(comparisonShown), requests: { ...requests }, pairs, actuals, message, at: iso(atWallMs) };
}

function comparisonShown({ name, verdict, log10Evidence, threshold, effect, low, high, minimumHarm, margin, unit, events, effective }: ComparisonShown): z.infer<typeof comparison> {
  return { name, verdict, log10_evidence: inJson(log10Evidence), threshold: inJson(threshold), effect: finite(effect), low: finite(low), high: finite(high), minimum_harm: minimumHarm, margin, unit, events, effective };
}

export function versionsShown({ current, lastKnownGood, goodSinceWallMs, dwellMs, before }: VersionsView): z.infer<typeof versionsSchema> {
  return {
    current: current === undefined ? null : versionShown(current),
    last_known_good: lastKnownGood === undefined ? null : { ...versionShown(lastKnownGood), held_until: iso(lastKnownGood.heldUntilWallMs) },
    good_since: isoIf(goodSinceWallMs),
    dwell_seconds: dwellMs / 1_000,
    before: before.map(versionShown),
  };
}

function versionShown({ version: name, digest, reference, sinceWallMs }: KnownVersion): z.infer<typeof version> {
  return { version: name, digest, reference, since: iso(sinceWallMs) };
}

/** Evidence may be none at all or beyond all numbers, which JSON can not say; no person tells 1e-999 from 0. */
export function inJson(log10: number): number {
  return Math.max(-999, Math.min(999, log10));
}

function finite(value: number | undefined): number | undefined {
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

export function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

function isoIf(wallMs: number | undefined): string | undefined {
  return wallMs === undefined ? undefined : iso(wallMs);
}

/**
 * Every frame of the signals protocol `pilotfish.v1+json`, both ways, as schemas: what is sent, what is read, the AsyncAPI
 * document and the JSON Schema come from here. docs/SIGNALS.md shows one of each.
 *
 * Readers ignore fields and kinds that they do not know, so fields and kinds may be added within version 1. What was added has a
 * default, for publishers that do not send it yet.
 */
import * as z from "zod";
import { reasons } from "../agent/backend.ts";
import { rolloutPhases } from "../agent/trial.ts";
import { heldActions, judgeVerdicts, statuses } from "./signal.ts";

export const protocolVersion = 1;
export const subprotocol = "pilotfish.v1+json";
export const frameBytesMax = 65_536;
/** What a subscriber may send within one heartbeat, pings and pongs too. */
export const heardFramesMax = 100;
/** What may wait for a subscriber that does not read. */
export const waitingBytesMax = 262_144;

const target = z.object({ model: z.string(), version: z.string().optional(), endpoint: z.string() });
const cause = z.object({ detector: z.string(), code: z.string(), evidence: z.string() });
const time = z.iso.datetime();
const seq = z.int().min(0);
const durationMs = z.number().min(0);
/** null where it is not finite. */
const finite = z.number().nullable();

export const stateBody = z.object({
  target,
  status: z.enum(statuses),
  rung: z.string(),
  reason: z.enum(reasons),
  cause,
  since: time,
  rev: seq,
  leaseMs: z.int().min(1),
});

export const transitionBody = z.object({
  target,
  from: z.enum(statuses),
  to: z.enum(statuses),
  rung: z.string(),
  reason: z.enum(reasons),
  cause,
  at: time,
});

/** `rev` is one number for all directives of a run and grows: an ack and a nack name it. */
const directed = z.object({ target, rev: seq, why: z.string(), at: time });
export const directiveBody = z.discriminatedUnion("action", [
  directed.extend({ action: z.enum(["route", "hold"]), rung: z.string() }),
  directed.extend({ action: z.enum(["eject", "drain"]) }),
  directed.extend({ action: z.literal("split"), weights: z.record(z.string(), z.number().min(0).max(1)) }),
  directed.extend({ action: z.literal("restore"), of: z.array(z.enum(heldActions)).min(1) }),
]);

export const driftBody = z.object({
  target,
  status: z.enum(["firing", "resolved"]),
  stream: z.string(),
  detector: z.string(),
  culprits: z.array(z.object({ name: z.string(), share: z.number() })).max(32),
  statistic: finite,
  threshold: finite,
  message: z.string(),
  at: time,
});

export const judgeBody = z.object({
  target,
  experiment: z.string(),
  verdict: z.enum(judgeVerdicts),
  eValue: finite,
  n: z.int().min(0),
  effect: z.object({ metric: z.string(), estimate: finite, low: finite, high: finite }),
  final: z.boolean(),
  message: z.string(),
  at: time,
});

export const rolloutBody = z.object({
  target,
  rollout: z.string(),
  candidate: z.string(),
  phase: z.enum(rolloutPhases),
  /** Of agent/rollout/plan.ts. */
  reason: z.string(),
  step: z.int().min(0),
  steps: z.int().min(0),
  weight: z.number().min(0).max(1),
  message: z.string(),
  at: time,
});

const served = z.object({ version: z.string().optional(), digest: z.string().optional(), reference: z.string().optional() });
export const versionBody = z.object({ target, from: served.optional(), to: served, message: z.string(), at: time });

/** What a subscriber may choose between; all of them where it does not. */
export const topics = ["state", "transition", "directive", "drift", "judge", "rollout", "version"] as const;
export type Topic = (typeof topics)[number];

/**
 * bookmark: numbers may be passed over by `bookmark`, so a slow subscriber gets the latest of each target and no reset; ack: it
 * says what it has applied; renew: a heartbeat renews its leases, so no state is repeated to it.
 */
export const features = ["bookmark", "ack", "renew"] as const;
export type Feature = (typeof features)[number];

const envelope = z.object({
  v: z.literal(protocolVersion),
  id: z.string(),
  epoch: z.string(),
  ts: time,
  src: z.object({ instance: z.string() }),
});

/** A frame that may move the cursor; it has no `seq` inside a snapshot. */
const numbered = envelope.extend({ seq: seq.optional() });
const count = z.int().min(0);
const versionRange = z.object({ min: z.int().min(1), max: z.int().min(1) });

export const errorCodes = ["not-json", "not-text", "not-a-frame", "unknown-topic", "not-so", "version", "token", "forbidden"] as const;

/** What the publisher sends. */
export const publisherFrame = z.discriminatedUnion("kind", [
  envelope.extend({
    kind: z.literal("welcome"),
    body: z.object({
      /** The one that the subprotocol has chosen. */
      version: z.literal(protocolVersion),
      heartbeatMs: z.int(),
      leaseMs: z.int(),
      oldestSeq: seq,
      frameBytesMax: z.int(),
      framesMax: z.int(),
      waitingBytesMax: z.int(),
      features: z.array(z.string()),
      /** By then an `auth.refresh` must have come. Absent: never. */
      authExpiresInMs: durationMs.optional(),
    }),
  }),
  envelope.extend({ kind: z.literal("reset"), body: z.object({ reason: z.enum(["gap", "epoch"]) }) }),
  envelope.extend({ kind: z.literal("snapshot.begin"), body: z.object({ states: count, directives: count, drifts: count, judges: count, rollouts: count.default(0) }) }),
  numbered.extend({ kind: z.literal("snapshot.end"), seq, body: z.object({}) }),
  numbered.extend({ kind: z.literal("state"), body: stateBody }),
  numbered.extend({ kind: z.literal("directive"), body: directiveBody }),
  numbered.extend({ kind: z.literal("drift"), body: driftBody }),
  numbered.extend({ kind: z.literal("judge"), body: judgeBody }),
  numbered.extend({ kind: z.literal("rollout"), body: rolloutBody }),
  numbered.extend({ kind: z.literal("transition"), body: transitionBody }),
  numbered.extend({ kind: z.literal("version"), body: versionBody }),
  numbered.extend({ kind: z.literal("bookmark"), seq, body: z.object({}) }),
  envelope.extend({
    kind: z.literal("heartbeat"),
    body: z.object({ lastSeq: seq, sentAt: durationMs.optional(), echo: z.number().optional() }),
  }),
  envelope.extend({ kind: z.literal("auth.refreshed"), body: z.object({ authExpiresInMs: durationMs.optional() }) }),
  envelope.extend({
    kind: z.literal("error"),
    body: z.object({ code: z.enum(errorCodes), detail: z.string(), of: z.string().optional() }),
  }),
  envelope.extend({ kind: z.literal("goodbye"), body: z.object({ reason: z.string(), reconnectAfterMs: z.int().min(0) }) }),
]);
export type PublisherFrame = z.infer<typeof publisherFrame>;
export type BodyOf<Kind extends PublisherFrame["kind"]> = Extract<PublisherFrame, { kind: Kind }>["body"];

const ofSubscriber = z.object({ v: z.literal(protocolVersion), id: z.string().max(200).optional() });
const names = z.array(z.string().max(500)).max(100);

export const helloBody = z.object({
  versions: versionRange.optional(),
  cursor: z.string().max(200).optional(),
  /** For people. */
  name: z.string().max(200).optional(),
  /** Minted at the subscriber's start: a connection that says hello with it takes the place of the one before. */
  session: z.string().max(200).optional(),
  topics: names.optional(),
  filters: z.object({ models: names.optional(), targets: names.optional() }).optional(),
  features: names.optional(),
  /** It does what directives say; otherwise they are advice to it. */
  enforce: z.boolean().optional(),
});
export type Hello = z.infer<typeof helloBody>;

export const nackCodes = ["unsupported", "invalid", "refused", "failed"] as const;
export type NackCode = (typeof nackCodes)[number];

/** What a subscriber sends. */
export const subscriberFrame = z.discriminatedUnion("kind", [
  ofSubscriber.extend({ kind: z.literal("hello"), body: helloBody }),
  ofSubscriber.extend({
    kind: z.literal("heartbeat"),
    body: z.object({ lastSeq: seq.optional(), sentAt: z.number().optional(), echo: z.number().optional() }),
  }),
  ofSubscriber.extend({
    kind: z.literal("ack"),
    /** applied: by target (`model@endpoint`) the `rev` of the newest directive that was applied. */
    body: z.object({ upTo: seq, applied: z.record(z.string().max(1_000), seq).optional() }),
  }),
  ofSubscriber.extend({
    kind: z.literal("nack"),
    body: z.object({ rev: seq, code: z.enum(nackCodes), detail: z.string().max(1_000), keeping: seq.optional() }),
  }),
  ofSubscriber.extend({ kind: z.literal("auth.refresh"), body: z.object({ token: z.string().min(1).max(16_384) }) }),
  ofSubscriber.extend({ kind: z.literal("goodbye"), body: z.object({}) }),
]);
export type SubscriberFrame = z.infer<typeof subscriberFrame>;

/** The same as a snapshot in frames, in one document. */
export const snapshotDocument = envelope.omit({ id: true }).extend({
  seq,
  cursor: z.string(),
  states: z.array(stateBody),
  directives: z.array(directiveBody),
  drifts: z.array(driftBody),
  judges: z.array(judgeBody),
  rollouts: z.array(rolloutBody).default([]),
});
export type SnapshotDocument = z.infer<typeof snapshotDocument>;

export type FrameError = BodyOf<"error">;

const anyFrame = ofSubscriber.extend({ kind: z.string() });
const knownKinds: ReadonlySet<string> = new Set(subscriberFrame.options.map((option) => option.shape.kind.value));

/** Reads a subscriber's frame. undefined: a kind that is not known, to be ignored. Cost: linear in the text. */
export function readFrame(text: string): SubscriberFrame | FrameError | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { code: "not-json", detail: (error as Error).message.slice(0, 200) };
  }
  const frame = anyFrame.safeParse(json);
  if (!frame.success) return notAFrame(frame.error, undefined);
  if (!knownKinds.has(frame.data.kind)) return undefined;
  const known = subscriberFrame.safeParse(json);
  return known.success ? known.data : notAFrame(known.error, frame.data.id);
}

function notAFrame(error: z.ZodError, of: string | undefined): FrameError {
  const detail = error.issues.map((issue) => `${issue.path.join(".") || "frame"}: ${issue.message}`).join("; ").slice(0, 500);
  return { code: "not-a-frame", detail, ...(of !== undefined && { of }) };
}

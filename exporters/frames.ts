/**
 * Every frame of the signals protocol `pilotfish.v1+json`, both ways, as schemas: what is sent, what is read, and later the
 * AsyncAPI document come from here. docs/SIGNALS.md shows one of each.
 *
 * Readers ignore fields and kinds that they do not know, so fields and kinds may be added within version 1.
 */
import * as z from "zod";
import { reasons } from "../agent/backend.ts";
import { statuses } from "./signal.ts";

export const subprotocol = "pilotfish.v1+json";
export const frameBytesMax = 65_536;

const target = z.object({ model: z.string(), version: z.string().optional(), endpoint: z.string() });
const cause = z.object({ detector: z.string(), code: z.string(), evidence: z.string() });
const time = z.iso.datetime();
const seq = z.int().min(0);

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

export const directiveBody = z.object({ target, action: z.enum(["drain", "restore"]), why: z.string(), at: time });

export const driftBody = z.object({
  target,
  status: z.enum(["firing", "resolved"]),
  stream: z.string(),
  detector: z.string(),
  culprits: z.array(z.object({ name: z.string(), share: z.number() })).max(32),
  /** null where it is not finite. */
  statistic: z.number().nullable(),
  threshold: z.number().nullable(),
  message: z.string(),
  at: time,
});

const envelope = z.object({
  v: z.literal(1),
  id: z.string(),
  epoch: z.string(),
  ts: time,
  src: z.object({ instance: z.string() }),
});

/** A frame that may move the cursor; it has no `seq` inside a snapshot. */
const numbered = envelope.extend({ seq: seq.optional() });
const count = z.int().min(0);

/** What the publisher sends. */
export const publisherFrame = z.discriminatedUnion("kind", [
  envelope.extend({
    kind: z.literal("welcome"),
    body: z.object({ heartbeatMs: z.int(), leaseMs: z.int(), oldestSeq: seq, frameBytesMax: z.int() }),
  }),
  envelope.extend({ kind: z.literal("reset"), body: z.object({ reason: z.enum(["gap", "epoch"]) }) }),
  envelope.extend({ kind: z.literal("snapshot.begin"), body: z.object({ states: count, directives: count, drifts: count }) }),
  numbered.extend({ kind: z.literal("snapshot.end"), seq, body: z.object({}) }),
  numbered.extend({ kind: z.literal("state"), body: stateBody }),
  numbered.extend({ kind: z.literal("directive"), body: directiveBody }),
  numbered.extend({ kind: z.literal("drift"), body: driftBody }),
  numbered.extend({ kind: z.literal("transition"), body: transitionBody }),
  envelope.extend({ kind: z.literal("heartbeat"), body: z.object({ lastSeq: seq }) }),
  envelope.extend({
    kind: z.literal("error"),
    body: z.object({ code: z.enum(["not-json", "not-text", "not-a-frame"]), detail: z.string(), of: z.string().optional() }),
  }),
  envelope.extend({ kind: z.literal("goodbye"), body: z.object({ reason: z.string(), reconnectAfterMs: z.int().min(0) }) }),
]);
export type PublisherFrame = z.infer<typeof publisherFrame>;
export type BodyOf<Kind extends PublisherFrame["kind"]> = Extract<PublisherFrame, { kind: Kind }>["body"];

const ofSubscriber = z.object({ v: z.literal(1), id: z.string().max(200).optional() });

/** What a subscriber sends. */
export const subscriberFrame = z.discriminatedUnion("kind", [
  ofSubscriber.extend({
    kind: z.literal("hello"),
    body: z.object({ cursor: z.string().max(200).optional(), name: z.string().max(200).optional() }),
  }),
  ofSubscriber.extend({ kind: z.literal("heartbeat"), body: z.object({ lastSeq: seq.optional() }) }),
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

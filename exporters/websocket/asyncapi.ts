/**
 * The protocol's contract, made from the schemas that frames are held to: an AsyncAPI 3 document (asyncapi.com/docs/reference/
 * specification/v3.0.0) and a JSON Schema. docs/generate-signals.ts writes both; the API serves the first.
 */
import * as z from "zod";
import { frameBytesMax, protocolVersion, publisherFrame, snapshotDocument, subscriberFrame, subprotocol } from "../frames.ts";
import { closeCodes } from "./subscriber.ts";

type Json = Readonly<Record<string, unknown>>;
type AnyFrame = (typeof publisherFrame.options)[number] | (typeof subscriberFrame.options)[number];

/** What a frame is for, in a sentence. */
const summaries: Readonly<Record<"publisher" | "subscriber", Readonly<Record<string, string>>>> = {
  publisher: {
    welcome: "The first frame: the version that the subprotocol has chosen, and the limits.",
    reset: "Forget what this publisher told you; a snapshot follows.",
    "snapshot.begin": "What is so follows, complete.",
    "snapshot.end": "Act on the snapshot now; the cursor is here.",
    state: "How a target is and who answers for it. Holds for its lease.",
    directive: "What a subscriber should do, until it is taken back or replaced.",
    drift: "A stream drifts, or has ceased to.",
    judge: "What is known of an experiment.",
    rollout: "Where a rollout stands.",
    transition: "A state has changed; for people.",
    version: "Another version serves; for people.",
    bookmark: "The cursor moves; what was passed over is not for you, or was replaced by what you were just sent.",
    heartbeat: "We live, and this is your newest number. Renews the leases of who asked for `renew`.",
    "auth.refreshed": "Your new token is taken.",
    error: "A frame of yours could not be read or can not be so.",
    goodbye: "A planned close follows; come back after about this long.",
  },
  subscriber: {
    hello: "What you want, and where you left off.",
    heartbeat: "You live; `echo` answers ours, `sentAt` asks for an answer.",
    ack: "What you have read, and which directives you have applied.",
    nack: "A directive that you can not apply, and the one that you keep to.",
    "auth.refresh": "A new token, before the old one expires.",
    goodbye: "You go; the publisher closes.",
  },
};

/** Built once. Cost: some milliseconds at the first call. */
export function asyncapi(): Json {
  document ??= build();
  return document;
}
let document: Json | undefined;

/** Every frame both ways and the snapshot document, under $defs; JSON Schema 2020-12. */
export function signalsSchema(): Json {
  const schema = (type: z.ZodType) => withoutDialect(z.toJSONSchema(type, { io: "input" }));
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: "https://pilotfish.dev/schemas/signals.v1.json",
    title: `Frames of ${subprotocol}`,
    anyOf: [{ $ref: "#/$defs/publisherFrame" }, { $ref: "#/$defs/subscriberFrame" }],
    $defs: { publisherFrame: schema(publisherFrame), subscriberFrame: schema(subscriberFrame), snapshotDocument: schema(snapshotDocument) },
  };
}

function build(): Json {
  const frames = { publisher: publisherFrame.options, subscriber: subscriberFrame.options } as const;
  const entries = (from: "publisher" | "subscriber") => frames[from].map((frame) => [`${from}.${kindOf(frame)}`, message(from, frame)] as const);
  const messages = [...entries("publisher"), ...entries("subscriber")];
  const references = (from: "publisher" | "subscriber") => entries(from).map(([name]) => ({ $ref: `#/channels/signals/messages/${name}` }));
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Pilotfish signals",
      version: `${protocolVersion}.0.0`,
      description: `What a Pilotfish tells subscribers over websockets, subprotocol \`${subprotocol}\`. Text frames of one JSON object, at most ${frameBytesMax} bytes. Unknown fields and kinds are to be ignored. Close codes: ${Object.entries(closeCodes).map(([name, code]) => `${code} ${name}`).join(", ")}.`,
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    defaultContentType: "application/json",
    servers: {
      sidecar: {
        host: "127.0.0.1:9081",
        protocol: "ws",
        description: "The control API. Elsewhere than on loopback it wants a bearer token.",
        security: [{ $ref: "#/components/securitySchemes/token" }],
      },
    },
    channels: {
      signals: {
        address: "/v1/signals",
        title: "Signals",
        servers: [{ $ref: "#/servers/sidecar" }],
        messages: Object.fromEntries(messages.map(([name]) => [name, { $ref: `#/components/messages/${name}` }])),
        bindings: {
          ws: {
            method: "GET",
            headers: { type: "object", properties: { "Sec-WebSocket-Protocol": { type: "string", const: subprotocol } }, required: ["Sec-WebSocket-Protocol"] },
            bindingVersion: "0.1.0",
          },
        },
      },
    },
    operations: {
      tell: { action: "send", channel: { $ref: "#/channels/signals" }, summary: "The publisher tells what is so and what becomes so.", messages: references("publisher") },
      hear: { action: "receive", channel: { $ref: "#/channels/signals" }, summary: "The publisher hears what a subscriber wants and what it applied.", messages: references("subscriber") },
    },
    components: {
      messages: Object.fromEntries(messages),
      securitySchemes: { token: { type: "http", scheme: "bearer", description: "Authorization: Bearer TOKEN; never in the URL." } },
    },
  };
}

function message(from: "publisher" | "subscriber", frame: AnyFrame): Json {
  const kind = kindOf(frame);
  return {
    name: kind,
    title: kind,
    summary: summaries[from][kind] ?? "",
    contentType: "application/json",
    payload: withoutDialect(z.toJSONSchema(frame, { io: "input", target: "draft-7" })),
  };
}

function kindOf(frame: AnyFrame): string {
  return frame.shape.kind.value;
}

/** The document around it says which dialect it is. */
function withoutDialect(schema: Json): Json {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== "$schema"));
}

/**
 * Tells by a CloudEvent 1.0 over HTTP, for brokers and functions that route by attributes. Each attempt carries the same `source`
 * and `id`, by which the specification has a receiver know a duplicate.
 * Source: github.com/cloudevents/spec, cloudevents/spec.md and bindings/http-protocol-binding.md, sections 3.1 and 3.2.
 */
import type { Action, Actuation, Actuator } from "./actuation.ts";
import type { CloudEventOptions } from "./options.ts";
import { bodyOf, push, type Pushed, type PushDeps } from "./push.ts";

export interface CloudEventDeps extends PushDeps {
  /** Which Pilotfish this is: pod or host name. */
  readonly instance: string;
}

export const eventTypes: Readonly<Record<Action, string>> = {
  start: "io.pilotfish.rollout.started",
  weight: "io.pilotfish.rollout.weight",
  promote: "io.pilotfish.rollout.promoted",
  "roll-back": "io.pilotfish.rollout.rolled-back",
};

export function cloudEvent(options: CloudEventOptions, deps: CloudEventDeps): Actuator {
  const source = options.source ?? `/pilotfish/${encodeURIComponent(deps.instance)}`;
  return { attempt: (actuation, deadlineMs, signal) => push(options, formatted(actuation, source, options.mode), deadlineMs, signal, deps) };
}

function formatted(actuation: Actuation, source: string, mode: CloudEventOptions["mode"]): Pushed {
  const attributes = {
    specversion: "1.0",
    id: actuation.id,
    source,
    type: eventTypes[actuation.action],
    subject: actuation.model,
    time: new Date(actuation.atWallMs).toISOString(),
  };
  const data = bodyOf(actuation);
  if (mode === "structured") {
    return { method: "POST", headers: { "content-type": "application/cloudevents+json; charset=utf-8" }, body: JSON.stringify({ ...attributes, datacontenttype: "application/json", data }) };
  }
  const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, headerValue(value)]));
  return { method: "POST", headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(data) };
}

/** Space, `"`, `%` and all that is not visible ASCII goes percent-encoded, as UTF-8. */
function headerValue(text: string): string {
  return text.replaceAll(/[^\x21\x23\x24\x26-\x7e]+/g, (part) => [...Buffer.from(part, "utf8")].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""));
}

/**
 * Tells by a CloudEvent 1.0 over HTTP, for brokers and functions that route by attributes. Each attempt carries the same `source`
 * and `id`, by which the specification has a receiver know a duplicate (cloudevents/spec.md).
 */
import { boundEvent } from "../event-binding.ts";
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
  const { headers, body } = boundEvent(mode, attributes, bodyOf(actuation));
  return { method: "POST", headers, body: JSON.stringify(body) };
}

/** Tells whoever listens at a URL, in JSON of our own. The header `idempotency-key` is the actuation's id at each attempt. */
import type { Actuator } from "./actuation.ts";
import type { WebhookOptions } from "./options.ts";
import { bodyOf, push, type PushDeps } from "./push.ts";

export function webhook(options: WebhookOptions, deps: PushDeps): Actuator {
  return {
    attempt: (actuation, deadlineMs, signal) =>
      push(options, { method: options.method, headers: { "content-type": "application/json", "idempotency-key": actuation.id }, body: JSON.stringify(bodyOf(actuation)) }, deadlineMs, signal, deps),
  };
}

/**
 * The gateway deals by the new weight before anybody is told, in the same turn of the loop in which it was decided. It stands among
 * the actuators so that people see that it did, and was the first.
 */
import type { Actuation, ActuationReport, Result } from "./actuation.ts";

/** Its only kind of report. */
export function gatewayReport({ id, rollout, action, weight }: Actuation, atWallMs: number): ActuationReport & { readonly result: Result } {
  const detail = `the gateway gives the candidate ${Number((100 * weight).toFixed(3))} % of the traffic`;
  return { id, rollout, actuator: "gateway", action, result: "done", attempts: 1, detail, atWallMs };
}

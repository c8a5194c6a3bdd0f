/**
 * The gateway deals by the new weight before anybody is told, in the same turn of the loop in which it was decided. It stands among
 * the actuators so that people see it did, and that it was the first.
 */
import type { Actuation, Actuator } from "./actuation.ts";

export const gateway: Actuator = {
  attempt: ({ weight }: Actuation) => Promise.resolve({ result: "done", detail: `the gateway gives the candidate ${Number((100 * weight).toFixed(3))} % of the traffic` }),
};

/** The door: one signal goes out to all who want it. One that throws is logged, and the others hear the signal all the same. */
import type { Log } from "../agent/log.ts";
import type { Announce } from "./signal.ts";

export function exporters(listeners: Readonly<Record<string, Announce>>, { log }: { readonly log: Log }): Announce {
  return (signal) => {
    for (const [exporter, announce] of Object.entries(listeners)) {
      try {
        announce(signal);
      } catch (error) {
        log.error({ exporter, signal: signal.type, err: error }, "an exporter could not take a signal");
      }
    }
  };
}

/** What of the signals a person reads in the log: changes, each once, at the level of how much it matters. */
import type { Signal } from "../exporters/signal.ts";
import type { Log } from "./log.ts";

export function logSignal(log: Log, signal: Signal): void {
  switch (signal.type) {
    case "transition": {
      const { from, to, rung, reason, cause } = signal;
      const level = to === "failed" ? "error" : to === "suspect" || to === "degraded" || to === "isolated" ? "warn" : "info";
      return log[level]({ from, to, rung, reason, cause }, `the primary is ${to}, answers come from ${rung}`);
    }
    case "rollout": {
      const { rollout, candidate, phase, reason, step, steps, weight, message } = signal;
      const level = phase === "aborted" || phase === "asking" ? "warn" : "info";
      return log[level]({ rollout, candidate, phase, reason, step, steps, weight }, message);
    }
    case "version":
      return log.info({ from: signal.from, to: signal.to }, signal.message);
    case "state":
    case "directive":
    case "drift": // Logged as the judgement that it comes from.
    case "judge":
      return;
  }
}

/**
 * What this server does with what Pilotfish tells it: on `drain` it takes no new work and finishes what runs, on `restore`
 * it takes work again, and everything it is told goes to the log. When Pilotfish falls silent for longer than its lease, the
 * subscriber takes a drain back by itself, so a sidecar that died can not keep its server idle.
 *
 * The Pilotfish beside us watches this server and no other, so each directive is meant for all of it, whatever name
 * Pilotfish's config has for the model.
 */
import { subscribe } from "../clients/typescript/subscriber.ts";
import type { Log } from "./log.ts";
import type { Work } from "./work.ts";

export interface SignalsOptions {
  readonly url: string;
  readonly token: string | undefined;
}

/** Starts listening to Pilotfish; what it gives back stops it. */
export function followSignals({ url, token }: SignalsOptions, work: Work, log: Log): () => void {
  let link: "none" | "connected" | "lost" = "none";
  return subscribe({
    url,
    token,
    name: "example-server",
    enforce: true,
    onConnected() {
      link = "connected";
      log("following signals", { url });
    },
    onDisconnected(why) {
      // Once, not for each attempt in vain.
      if (link !== "lost") log(link === "connected" ? "signals lost" : "signals can not be reached", { url, why });
      link = "lost";
    },
    onProblem: (problem) => log("signals problem", { problem }),
    onState({ target, status, rung, reason, cause }) {
      log(`told: primary ${status}, answers come from ${rung}`, { model: target.model, status, rung, reason, evidence: cause.evidence });
    },
    onDrift({ status, message }) {
      log(`told: drift ${status}`, { drift: message });
    },
    onDirective(directive) {
      const { target, why } = directive;
      const reason = `directive for ${target.model} at ${target.endpoint}`;
      if (directive.action === "drain") {
        work.drain(reason);
        log("told to drain: taking no new work", { why, inProgress: work.inProgress });
        void work.idle().then(() => work.draining && log("drained: nothing is in progress"));
      } else if (directive.action === "restore" && directive.of.includes("drain")) {
        work.resume(reason);
        log(work.draining ? "told to restore: another drain holds" : "told to restore: taking work again", { why });
      } else {
        // Who sends requests acts on these: a gateway, a balancer. We are told what they are told.
        log(`directive to whoever sends requests: ${directive.action}`, { why });
      }
    },
  });
}

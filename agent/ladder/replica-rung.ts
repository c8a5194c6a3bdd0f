/**
 * The same model elsewhere: one or several other servers, of which the one with less to do is asked. Each has a circuit of
 * its own, so that one which is down is not tried by every request. Where a server could not be reached, broke off or failed,
 * one other is asked in what is left of the time; more would turn an outage into a storm.
 */
import * as z from "zod";
import type { Question, RungAnswer } from "../backend.ts";
import type { Clock } from "../clock.ts";
import type { Protocol } from "../protocols/protocol.ts";
import { answered, choose, newLoad } from "./balance.ts";
import type { Load } from "./balance.ts";
import type { LadderRung } from "./ladder-rung.ts";
import { featureNames, guardOptions, rungName, serverUrl } from "./options.ts";
import { answerFrom, passedOn } from "./relay.ts";
import type { Send } from "./relay.ts";
import { Breaker, isGivenUp } from "./rung-circuit.ts";

export const replicaOptions = z.strictObject({
  kind: z.literal("replica"),
  name: rungName.default("replica"),
  urls: z.array(serverUrl).min(1).max(64),
  features: featureNames.optional(),
  ...guardOptions({ active: 64, waiting: 256, timeoutMs: 2_000 }),
});
export type ReplicaRungOptions = z.output<typeof replicaOptions>;

export interface ReplicaRungDeps {
  readonly clock: Clock;
  readonly protocol: Protocol;
  readonly send: Send;
}

interface Replica {
  readonly url: URL;
  readonly load: Load;
  readonly breaker: Breaker;
}

const attemptsMax = 2;

export function replicaRung({ name, urls, timeout, circuit }: ReplicaRungOptions, { clock, protocol, send }: ReplicaRungDeps): LadderRung {
  const replicas = urls.map((url): Replica => ({ url: new URL(url), load: newLoad(), breaker: new Breaker(circuit, clock) }));

  async function ask({ url, load, breaker }: Replica, question: Question, timeoutMs: number, signal: AbortSignal) {
    const isCopy = question.shadow !== undefined;
    const { trial } = isCopy ? { trial: false } : breaker.ask();
    const startMs = clock.monotonicMs();
    load.inFlight += 1;
    let type: "success" | "failure" | "nothing" = "failure";
    try {
      const { answer, failed } = answerFrom(await send(url, passedOn(question), timeoutMs, signal), protocol, undefined);
      const nowMs = clock.monotonicMs();
      // Who fails fast is not who has least to do.
      answered(load, failed ? Math.max(nowMs - startMs, timeoutMs) : nowMs - startMs, nowMs);
      if (isGivenUp(signal)) type = "nothing";
      else if (!failed && !signal.aborted) type = answer.outcome === "overloaded" ? "nothing" : "success";
      return { answer, failed };
    } finally {
      load.inFlight -= 1;
      if (!isCopy) breaker.ended(type, trial);
    }
  }

  return {
    name,
    kind: "replica",
    get ready() {
      return replicas.some(({ breaker }) => breaker.allows);
    },
    async answer(question, signal): Promise<RungAnswer> {
      const deadlineMs = question.deadlineMs ?? clock.monotonicMs() + timeout;
      const details: string[] = [];
      let left = replicas;
      // Nobody waits for a copy, so it is not repeated.
      const attempts = question.shadow === undefined && question.alone !== true ? attemptsMax : 1;
      for (let attempt = 0; attempt < attempts; attempt += 1) {
        const leftMs = deadlineMs - clock.monotonicMs();
        const chosen = choose(left.filter(({ breaker }) => breaker.allows), clock.monotonicMs(), () => clock.random());
        if (chosen === undefined || leftMs <= 0 || signal.aborted) break;
        const { answer, failed } = await ask(chosen, question, leftMs, signal);
        if (!failed || answer.outcome === "timeout") return answer.outcome === "ok" ? answer : { ...answer, detail: `${chosen.url.host}: ${answer.detail}` };
        if (answer.outcome !== "ok") details.push(`${chosen.url.host}: ${answer.detail}`);
        left = left.filter((replica) => replica !== chosen);
      }
      if (details.length === 0) details.push("every replica failed too often and is skipped for a while");
      return { outcome: signal.aborted ? "timeout" : "error", detail: details.join("; ").slice(0, 300) };
    },
  };
}

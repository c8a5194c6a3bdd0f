/**
 * Asks the model a question whose answer is known and compares. It finds what no health endpoint tells: an engine that hangs
 * behind a healthy port, wrong weights after a reload, a card that computes wrongly.
 */
import type { Clock } from "../clock.ts";
import type { ask } from "../forward/ask.ts";
import type { Protocol } from "../protocols/protocol.ts";
import { compareAnswer, type KnownAnswer } from "./known-answer.ts";
import { failed, passed, unknown, type Probe } from "./probe.ts";
import { reasonOf } from "./reason.ts";

export interface InferenceProbeOptions {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly body: Buffer;
  readonly known: KnownAnswer;
  readonly tolerance: number;
  /** That the known answer is of. Absent: it is compared, whichever version answers. */
  readonly version?: string | undefined;
}

export interface InferenceProbeDeps {
  readonly clock: Clock;
  readonly ask: typeof ask;
  readonly protocol: Pick<Protocol, "parseAnswer" | "versionIn">;
  /** Where to send the question; undefined as long as the model's name is not known. */
  readonly url: () => URL | undefined;
}

/** By this header a server, and whoever counts its requests, can tell the question from its clients' ones. */
const headers = { "content-type": "application/json", "accept-encoding": "identity", "pilotfish-probe": "inference" };

export function inferenceProbe({ intervalMs, timeoutMs, body, known, tolerance, version }: InferenceProbeOptions, deps: InferenceProbeDeps): Probe {
  return {
    name: "inference",
    intervalMs,
    repeats: true,
    async ask(signal) {
      const url = deps.url();
      if (url === undefined) return unknown("inference", "no-source", 0, "the model's name is not known yet");
      const asked = await deps.ask(deps.clock, { url, method: "POST", headers, body, timeoutMs, signal });
      if (!asked.ok) return failed("inference", reasonOf[asked.outcome], asked.durationMs, `POST ${url.pathname}: ${asked.detail}`);
      const { status, durationMs } = asked;
      // Load, not death: a server that turns the question away says nothing of its answers.
      if (status === 429 || (status === 503 && asked.headers["retry-after"] !== undefined)) {
        return unknown("inference", "none", durationMs, `POST ${url.pathname} answered ${status}: overloaded`);
      }
      if (status < 200 || status >= 300) return failed("inference", "status", durationMs, `POST ${url.pathname} answered ${status}`);
      const answering = version === undefined ? undefined : deps.protocol.versionIn(asked.body);
      const isSameVersion = answering === undefined || answering === version;
      const comparison = compareAnswer(deps.protocol.parseAnswer(asked.body), known, tolerance, isSameVersion);
      const what = Object.keys(known).join(", ");
      return comparison.equal
        ? passed("inference", durationMs, isSameVersion ? `${what} as expected` : `${what} in the form expected; version ${answering} answers, and the known answer is of version ${version}`)
        : failed("inference", comparison.reason, durationMs, comparison.detail);
    },
  };
}

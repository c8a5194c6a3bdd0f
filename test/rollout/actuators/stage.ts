/** What the stories of actuators share: an actuation, receivers on loopback, and all that they depend on. */
import { onTestFinished } from "vitest";
import { systemClock, type Clock } from "../../../agent/clock.ts";
import { ask } from "../../../agent/forward/ask.ts";
import { silent } from "../../../agent/log.ts";
import { openInference } from "../../../agent/protocols/open-inference.ts";
import type { Action, Actuation, ActuationReport } from "../../../agent/rollout/actuators/actuation.ts";
import { actuators, type Actuators, type ActuatorsDeps } from "../../../agent/rollout/actuators/actuators.ts";
import { actuatorsOptions, type ActuatorOptions } from "../../../agent/rollout/actuators/options.ts";
import { bodyOf, httpServer } from "../../gateway/stage.ts";

export function actuation(action: Action, more: Partial<Actuation> = {}): Actuation {
  return {
    id: `${more.rollout ?? "r-1"}/${action}/${more.weight ?? 0}`,
    rollout: "r-1",
    action,
    model: "employment",
    candidate: { version: "2" },
    candidateVersion: "2",
    primaryVersion: "1",
    weight: action === "promote" ? 1 : action === "roll-back" ? 0 : 0.1,
    reason: action === "roll-back" ? "harm" : "started",
    evidence: "3 of 9 requests failed, against 0 of 81.",
    atWallMs: Date.UTC(2026, 0, 1),
    ...more,
  };
}

export const optionsOf = (...given: readonly Record<string, unknown>[]): readonly ActuatorOptions[] => actuatorsOptions.parse(given);

export interface Telling {
  readonly actuators: Actuators;
  /** Every word, the latest last. */
  readonly reports: ActuationReport[];
  readonly counted: string[];
  readonly trouble: ActuationReport[];
  /** As `actuator action result`, of what is through. */
  readonly results: () => readonly string[];
  /** Until all that was asked for is through. */
  readonly settled: (count: number) => Promise<void>;
  readonly close: () => void | Promise<void>;
}

/** All runs on the system's clock and asks in earnest unless told otherwise. */
export function telling(options: readonly ActuatorOptions[], deps: Partial<ActuatorsDeps> = {}, kept?: unknown): Telling {
  const clock: Clock = deps.clock ?? systemClock;
  const reports: ActuationReport[] = [];
  const counted: string[] = [];
  const trouble: ActuationReport[] = [];
  const waiting = new Set<() => void>();
  const made = actuators(
    options,
    {
      clock, ask,
      log: silent,
      environment: () => undefined,
      protocol: () => openInference,
      server: () => new URL("http://127.0.0.1:1"),
      announce: () => {},
      followers: () => ({ subscribers: [], directives: [] }),
      target: () => ({ model: "employment", version: "1", endpoint: "http://127.0.0.1:1" }),
      instance: "pod-1",
      told: (report) => reports.push(report),
      counted(...words) {
        counted.push(words.join(" "));
        for (const look of waiting) look();
      },
      trouble: (report) => trouble.push(report),
      ...deps,
    },
    kept,
  );
  const close = made.start();
  onTestFinished(() => close());
  return {
    actuators: made,
    reports, counted, trouble, close,
    results: () => counted.filter((words) => !words.startsWith("gateway ")),
    settled: (count) =>
      new Promise((resolve) => {
        const look = () => counted.length >= count && resolve();
        waiting.add(look);
        look();
      }),
  };
}

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A server that keeps what it was sent. `answer`: of the n-th request, from 0; "hang" leaves it without one. */
export async function receiver(answer: (n: number, received: Received) => Answer | "hang" = () => ({ status: 204 })): Promise<{ readonly url: URL; readonly received: Received[] }> {
  const received: Received[] = [];
  const url = await httpServer((request, response) => {
    void bodyOf(request).then((bytes) => {
      const one = { method: request.method ?? "", url: request.url ?? "", headers: request.headers, body: bytes.toString() };
      received.push(one);
      const given = answer(received.length - 1, one);
      if (given !== "hang") response.writeHead(given.status, given.headers).end(given.body);
    });
  });
  return { url, received };
}

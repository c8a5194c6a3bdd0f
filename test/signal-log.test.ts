/** What the log says of signals: changes, each once, at the level of how much it matters. */
import { expect, test } from "vitest";
import { silent, type Log } from "../agent/log.ts";
import { logSignal } from "../agent/signal-log.ts";
import type { RolloutSignal, Signal } from "../exporters/signal.ts";

const target = { model: "employment", version: "1", endpoint: "http://127.0.0.1:8080" };
const rollout = (phase: RolloutSignal["phase"]): RolloutSignal => ({ type: "rollout", target, rollout: "r1", candidate: "version 2", phase, reason: "harm", step: 1, steps: 3, weight: 0.1, message: `it is ${phase}`, atWallMs: 0 });

function lines(...signals: readonly Signal[]): string[] {
  const said: string[] = [];
  const log: Log = { ...silent, info: (_, message) => void said.push(`info ${message}`), warn: (_, message) => void said.push(`warn ${message}`), error: (_, message) => void said.push(`error ${message}`) };
  for (const signal of signals) logSignal(log, signal);
  return said;
}

test("a rollout's steps are told as they come; that it asks, and that it was aborted, as warnings", () => {
  expect(lines(rollout("trying"), rollout("asking"), rollout("promoted"), rollout("aborted"))).toEqual(["info it is trying", "warn it is asking", "info it is promoted", "warn it is aborted"]);
});

test("another version is a line; levels that are repeated are none", () => {
  const cause = { detector: "traffic", code: "refused", evidence: "" };
  expect(
    lines(
      { type: "version", target, from: undefined, to: { version: "2", digest: undefined, reference: undefined }, message: "version 2 serves", atWallMs: 0 },
      { type: "state", target, status: "healthy", rung: "primary", reason: "normal", cause, sinceWallMs: 0, rev: 1 },
      { type: "directive", target, action: "drain", why: "", atWallMs: 0 },
      { type: "transition", target, from: "suspect", to: "failed", rung: "small", reason: "circuit-open", cause, atWallMs: 0 },
    ),
  ).toEqual(["info version 2 serves", "error the primary is failed, answers come from small"]);
});

/** What a subscriber makes of the frames: pure but for the lease's timer, which a test turns by hand. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Directive, Drift, Frame, State } from "../../examples/clients/typescript/frames.ts";
import { Told } from "../../examples/clients/typescript/told.ts";
import { stateBody, target } from "./fake-publisher.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function listen() {
  const heard: string[] = [];
  const told = new Told({
    onState: ({ target: { model }, status, cause }) => heard.push(`${model} ${status}${status === "unknown" ? ` ${cause.code}` : ""}`),
    onDirective: ({ action, why }) => heard.push(`${action}: ${why}`),
    onDrift: ({ status, stream }) => heard.push(`${stream} ${status}`),
  });
  return { told, take: () => heard.splice(0) };
}

const directive = (action: "drain" | "eject", rev = 1, why = "drift"): Directive => ({ target, rev, action, why, at: "2026-01-01T00:00:00.000Z" });
const drift = (status: Drift["status"], stream = "features"): Drift => ({
  target, status, stream, detector: "e", culprits: [{ name: "RELP", share: 0.7 }], statistic: 8, threshold: 6, message: "RELP moved", at: "2026-01-01T00:00:00.000Z",
});

/** A frame of the publisher's run `epoch`; inside a snapshot without number. */
const frame = (kind: string, body: object, seq?: number, epoch: string = "e1") => ({ kind, body, seq, epoch }) as Frame;
const state = (rev: number, seq?: number, over: Partial<State> = {}, epoch?: string) => frame("state", stateBody(rev, over), seq, epoch);

function snapshot(told: Told, seq: number, levels: readonly Frame[], epoch: string = "e1"): void {
  told.hear(frame("snapshot.begin", {}, undefined, epoch));
  for (const level of levels) told.hear({ ...level, epoch });
  told.hear(frame("snapshot.end", {}, seq, epoch));
}

describe("a snapshot", () => {
  test("is acted on at its end, not before", () => {
    const { told, take } = listen();
    told.hear(frame("snapshot.begin", {}));
    told.hear(state(1));
    told.hear(frame("directive", directive("drain")));
    expect([take(), told.cursor]).toEqual([[], undefined]);
    told.hear(frame("snapshot.end", {}, 12));
    expect([take(), told.cursor]).toEqual([["employment healthy", "drain: drift"], "e1:12"]);
  });

  test("what is not in it is not so: the target is unknown, the drain undone, the drift over", () => {
    const { told, take } = listen();
    snapshot(told, 1, [state(1), frame("directive", directive("drain")), frame("drift", drift("firing"))]);
    take();
    snapshot(told, 2, []);
    expect(take()).toEqual(["restore: the publisher no longer asks for it", "features resolved", "employment unknown not-known"]);
  });

  test("what it repeats is silent, except a drift that still fires", () => {
    const { told, take } = listen();
    const levels = [state(1), frame("directive", directive("drain")), frame("drift", drift("firing"))];
    snapshot(told, 1, levels);
    take();
    snapshot(told, 2, levels);
    expect(take()).toEqual(["features firing"]);
  });

  test("that broke off is forgotten when the publisher welcomes anew", () => {
    const { told, take } = listen();
    told.hear(frame("snapshot.begin", {}));
    told.hear(state(1));
    told.hear(frame("welcome", { heartbeatMs: 1_000, leaseMs: 10_000 }));
    snapshot(told, 3, []);
    expect(take()).toEqual([]);
  });
});

describe("numbers", () => {
  test("the next one moves the cursor, the same one is a refresh, a hole is a loss", () => {
    const { told } = listen();
    snapshot(told, 5, [state(1)]);
    expect(told.hear(state(2, 6))).toBe(true);
    expect(told.hear(state(2, 6))).toBe(true);
    expect(told.hear(frame("something new", {}, 7))).toBe(true);
    expect(told.cursor).toBe("e1:7");
    expect(told.hear(state(4, 9))).toBe(false);
    expect(told.hear(frame("heartbeat", { lastSeq: 7 }))).toBe(true);
    expect(told.hear(frame("heartbeat", { lastSeq: 8 }))).toBe(false);
    expect(told.cursor).toBe("e1:7");
  });

  test("of another run mean nothing: without a snapshot of that run it is a loss", () => {
    const { told, take } = listen();
    snapshot(told, 5, [state(7)]);
    take();
    expect(told.hear(state(1, 6, {}, "e2"))).toBe(false);
    told.hear(frame("reset", { reason: "epoch" }, undefined, "e2"));
    expect(told.cursor).toBeUndefined();
    snapshot(told, 1, [state(1, undefined, { status: "failed" })], "e2");
    expect([take(), told.cursor]).toEqual([["employment failed"], "e2:1"]);
  });

  test("a rev that is older than the one known changes nothing", () => {
    const { told, take } = listen();
    snapshot(told, 5, [state(7)]);
    told.hear(state(6, 6, { status: "failed" }));
    expect(take()).toEqual(["employment healthy"]);
  });
});

describe("the lease", () => {
  test("renewals keep a state; without one it lapses to unknown, its drain and drift with it", () => {
    const { told, take } = listen();
    snapshot(told, 1, [state(1), frame("directive", directive("drain")), frame("drift", drift("firing"))]);
    take();
    for (const _ of [1, 2, 3]) {
      vi.advanceTimersByTime(9_999);
      told.hear(state(1, 1));
    }
    expect(take()).toEqual([]);
    vi.advanceTimersByTime(10_000);
    expect(take()).toEqual(["employment unknown lease-lapsed", "restore: nothing was heard for 10000 ms", "features resolved"]);
  });

  test("after it has lapsed the same rev is news again", () => {
    const { told, take } = listen();
    snapshot(told, 1, [state(1, undefined, { leaseMs: 500 })]);
    vi.advanceTimersByTime(500);
    told.hear(state(1, 1));
    expect(take()).toEqual(["employment healthy", "employment unknown lease-lapsed", "employment healthy"]);
  });

  test("once closed, nothing is called and no timer is left", () => {
    const { told, take } = listen();
    snapshot(told, 1, [state(1)]);
    take();
    told.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(60_000);
    expect(take()).toEqual([]);
  });
});

test("a target's version may change under it; another endpoint is another target", () => {
  const { told, take } = listen();
  const elsewhere = { ...target, endpoint: "http://127.0.0.1:8081" };
  snapshot(told, 1, [state(1)]);
  told.hear(state(2, 2, { target: { ...target, version: "2" } }));
  told.hear(state(1, 3, { target: elsewhere, status: "failed" }));
  snapshot(told, 4, [state(3, undefined, { target: elsewhere })]);
  expect(take()).toEqual(["employment healthy", "employment healthy", "employment failed", "employment unknown not-known", "employment healthy"]);
});

test("a rollout and a change of version are heard once each; frames that come again are silent", () => {
  const heard: string[] = [];
  const told = new Told({ onRollout: ({ phase, weight }) => heard.push(`${phase} ${weight}`), onVersion: ({ message }) => heard.push(message) });
  const rollout = (phase: string, weight: number, seq?: number) => frame("rollout", { target, rollout: "r1", candidate: "version 2", phase, reason: "step", step: 1, steps: 2, weight, message: "", at: "2026-01-01T00:00:00.000Z" }, seq);
  const version = frame("version", { target, to: { version: "2" }, message: "version 2 serves", at: "2026-01-01T00:00:00.000Z" }, 2);
  const shown = () => Object.values(told.view()).map((view) => (view as { rollout: unknown }).rollout);
  snapshot(told, 1, [rollout("trying", 0.1)]);
  for (const one of [version, version, rollout("asking", 0.1, 3)]) expect(told.hear(one)).toBe(true);
  expect(shown()).toEqual([{ id: "r1", phase: "asking", weight: 0.1 }]);
  for (const one of [rollout("aborted", 0, 4), rollout("asking", 0.1, 3), version]) expect(told.hear(one)).toBe(true);
  expect(heard).toEqual(["trying 0.1", "version 2 serves", "asking 0.1", "aborted 0"]);
  expect(shown()).toEqual([null]);
  told.close();
});

test("not more than twenty thousand targets are followed", () => {
  const { told, take } = listen();
  snapshot(told, 1, Array.from({ length: 20_500 }, (_, i) => state(1, undefined, { target: { ...target, model: `m${i}` } })));
  expect(take()).toHaveLength(20_000);
  told.close();
});

import { expect, test } from "vitest";
import { failover, failoverOptions, type Failover } from "../../agent/failover/failover.ts";
import type { SavedFailover } from "../../agent/failover/saved.ts";
import type { Outcome } from "../../agent/backend.ts";
import type { Judgement } from "../../agent/judgement.ts";
import type { Verdict } from "../../agent/review.ts";
import type { ProbeObservation } from "../../agent/observation.ts";
import type { Signal, Target } from "../../exporters/signal.ts";
import { FakeClock } from "../fake-clock.ts";

interface Swim {
  readonly clock: FakeClock;
  readonly signals: Signal[];
  readonly room: Failover;
  readonly released: () => number;
  readonly saved: () => SavedFailover | undefined;
  readonly attempt: (outcome: Outcome, trial?: boolean) => void;
  readonly probe: (probe: ProbeObservation["probe"], verdict: ProbeObservation["verdict"], reason?: ProbeObservation["reason"]) => void;
  readonly statuses: () => string[];
}

const known: Target = { model: "employment", version: "1", endpoint: "http://127.0.0.1:8080" };

function swim(options: object = {}, saved?: unknown, rungs: readonly string[] = ["onnx", "default"], target: () => Target = () => known): Swim {
  const clock = new FakeClock();
  const signals: Signal[] = [];
  let released = 0;
  let last: SavedFailover | undefined;
  const room = failover(failoverOptions.parse(options), {
    clock,
    announce: (signal) => signals.push(signal),
    rungs: () => rungs,
    target,
    release: () => (released += 1),
    save: (state) => (last = state),
    saved,
    rev: 0,
  });
  room.start();
  return {
    clock,
    signals,
    room,
    released: () => released,
    saved: () => last,
    attempt: (outcome, trial = false) =>
      room.hear({ kind: "attempt", backend: "primary", outcome, status: outcome === "error" ? 500 : undefined, firstByteMs: 1, durationMs: 1, trial }),
    probe: (probe, verdict, reason = verdict === "fail" ? "timeout" : "none") =>
      room.hear({ kind: "probe", probe, verdict, reason, durationMs: 1, detail: `${probe} ${reason}` }),
    statuses: () => signals.filter((signal) => signal.type === "transition").map(({ to }) => to),
  };
}

test("a crash under load: five refused requests, failover, two good probes, one good trial, failback", () => {
  const { attempt, probe, room, clock, statuses, released } = swim();
  attempt("ok");
  expect(room.route()).toEqual({ primary: "flows", reason: "normal", rung: "primary" });
  for (let i = 0; i < 5; i += 1) attempt("refused");
  expect(room.route()).toEqual({ primary: "blocked", reason: "circuit-open", rung: "onnx" });
  expect(released()).toBe(0);

  probe("http", "fail", "refused");
  clock.advance(2_000);
  probe("http", "pass");
  expect(room.route().primary).toBe("blocked");
  probe("http", "pass");
  expect(room.route()).toMatchObject({ primary: "trial", rung: "onnx" });
  expect(room.claimTrial()).toBe(true);
  expect(room.claimTrial()).toBe(false);
  attempt("ok", true);
  expect(room.route().primary).toBe("flows");
  expect(statuses()).toEqual(["healthy", "suspect", "failed", "probation", "healthy"]);
});

test("a hang with a healthy port: the progress probe takes it out at once and calls waiting requests back", () => {
  const { attempt, probe, room, released, statuses, signals } = swim();
  attempt("ok");
  probe("progress", "fail", "stalled");
  expect(room.route()).toEqual({ primary: "blocked", reason: "stalled", rung: "onnx" });
  expect(released()).toBe(1);
  expect(statuses()).toEqual(["healthy", "failed"]);
  expect(signals.at(-1)).toMatchObject({ type: "transition", cause: { detector: "progress", code: "stalled" } });
});

test("health alone does not bring it back: a failing trial opens the circuit again, for longer", () => {
  const { attempt, probe, room, clock } = swim();
  for (let i = 0; i < 5; i += 1) attempt("error");
  clock.advance(2_000);
  probe("http", "pass");
  probe("http", "pass");
  expect(room.claimTrial()).toBe(true);
  attempt("error", true);
  expect(room.route().primary).toBe("blocked");
  clock.advance(3_900);
  probe("http", "pass");
  expect(room.route().primary).toBe("blocked");
  clock.advance(200);
  probe("http", "pass");
  expect(room.route().primary).toBe("trial");
});

test("a wrong answer to the known question takes it out, and only a right one brings it back", () => {
  const { probe, room, clock } = swim();
  probe("inference", "fail", "mismatch");
  probe("inference", "fail", "mismatch");
  expect(room.route()).toMatchObject({ primary: "blocked", reason: "unready" });
  clock.advance(10_000);
  probe("http", "pass");
  probe("http", "pass");
  probe("http", "pass");
  expect(room.route().primary).toBe("blocked");
  probe("inference", "pass");
  expect(room.route().primary).toBe("flows");
});

test("a probe that never passed and only dislikes the status takes nobody out", () => {
  const { attempt, probe, room } = swim();
  attempt("ok");
  for (let i = 0; i < 10; i += 1) probe("http", "fail", "status");
  expect(room.route().primary).toBe("flows");
  expect(room.current()).toMatchObject({ status: "suspect", cause: { detector: "http", code: "status", evidence: "http status" } });
});

test("requests refused on their own account and overload are no evidence of death", () => {
  const { attempt, room } = swim();
  for (let i = 0; i < 20; i += 1) attempt(i % 2 === 0 ? "rejected" : "overloaded");
  for (let i = 0; i < 20; i += 1) attempt("cancelled");
  expect(room.current().status).toBe("healthy");
});

const drifted: Judgement = {
  model: "employment", stream: "features", detector: "conformal e-detector", verdict: "drift", statistic: 9, threshold: 7,
  culprits: [{ name: "RELP", share: 0.9 }], message: "employment drifted: RELP", atWallMs: 0,
};

test("drift is told, and does not fail over unless the config says so", () => {
  const page = swim();
  page.attempt("ok");
  page.room.judge(drifted);
  expect(page.room.current()).toMatchObject({ status: "degraded", rung: "primary", cause: { code: "drift", evidence: "employment drifted: RELP" } });
  page.room.judge({ ...drifted, verdict: "stable" });
  expect(page.room.current().status).toBe("healthy");

  const over = swim({ onDrift: "failover" });
  over.attempt("ok");
  over.room.judge(drifted);
  expect(over.room.current()).toMatchObject({ status: "isolated", rung: "onnx", reason: "drift" });
  expect(over.room.route().primary).toBe("blocked");
});

test("drift that waits for a person's word keeps requests away only after it, is asked about once, and is withdrawn when it is over", async () => {
  const asked: { readonly evidence: string; readonly answer: PromiseWithResolvers<Verdict>; withdrawn: boolean }[] = [];
  let kept: SavedFailover | undefined;
  const make = (saved?: unknown) => failover({ ...failoverOptions.parse({}), onDrift: "approve" }, {
    clock: new FakeClock(), announce: () => {}, rungs: () => ["onnx"], target: () => known, release: () => {}, save: (state) => (kept = state), saved, rev: 0,
    decide({ evidence }) {
      const one = { evidence, answer: Promise.withResolvers<Verdict>(), withdrawn: false };
      asked.push(one);
      return { verdict: one.answer.promise, withdraw: () => (one.withdrawn = true) };
    },
  });
  const room = make();
  void room.start();
  room.judge(drifted);
  room.judge({ ...drifted, message: "employment drifted: RELP, AGEP" });
  expect(asked.map(({ evidence }) => evidence)).toEqual(["employment drifted: RELP"]);
  expect(room.current().status).toBe("degraded");
  asked[0]?.answer.resolve("do");
  await Promise.resolve();
  expect(room.current()).toMatchObject({ status: "isolated", rung: "onnx", reason: "drift" });

  // The next run knows what was said, and does not ask again.
  const next = make(kept);
  void next.start();
  expect(next.current().status).toBe("isolated");
  expect(asked).toHaveLength(1);

  next.judge({ ...drifted, verdict: "stable" });
  expect(next.route().primary).toBe("flows");
  next.judge(drifted);
  expect(asked).toHaveLength(2);
  next.judge({ ...drifted, verdict: "stable" });
  expect(asked[1]?.withdrawn).toBe(true);
  asked[1]?.answer.resolve("do");
  await Promise.resolve();
  expect(next.route().primary).toBe("flows");
});

test("after a restart it comes back failed over, with its drift, and goes on trial once the probes agree", () => {
  const before = swim();
  for (let i = 0; i < 5; i += 1) before.attempt("refused");
  before.room.judge(drifted);
  const after = swim({}, JSON.parse(JSON.stringify(before.saved())));
  expect(after.room.current()).toMatchObject({ status: "failed", rung: "onnx", cause: { code: "refused" } });
  after.clock.advance(2_000);
  after.probe("http", "pass");
  after.probe("http", "pass");
  expect(after.room.claimTrial()).toBe(true);
  after.attempt("ok", true);
  expect(after.room.current().status).toBe("degraded");
});

test("a saved state of another format is not trusted", () => {
  expect(swim({}, { version: 2, open: true }).room.current().status).toBe("unknown");
  expect(swim({}, "rubbish").room.route().primary).toBe("flows");
});

test("with no rung to answer, the route says so", () => {
  const { attempt, room } = swim({}, undefined, []);
  for (let i = 0; i < 5; i += 1) attempt("refused");
  expect(room.route()).toMatchObject({ primary: "blocked", rung: "none" });
});

test("each change of state has a higher revision and is announced once", () => {
  const { attempt, clock, signals } = swim();
  attempt("ok");
  for (let i = 0; i < 5; i += 1) attempt("refused");
  clock.advance(1_000);
  const revs = signals.filter((signal) => signal.type === "state").map(({ rev }) => rev);
  expect(revs).toEqual([...revs].sort((a, b) => a - b));
  expect(new Set(revs).size).toBe(revs.length);
});

test("a model's name and version that are learnt after the last change are announced, once", () => {
  let target: Target = { ...known, model: "unknown", version: undefined };
  const { attempt, clock, signals, room } = swim({}, undefined, undefined, () => target);
  attempt("ok");
  const before = room.current().rev;
  target = known;
  clock.advance(1_000);
  expect(room.current()).toMatchObject({ target: known, status: "healthy", rev: before + 1 });
  expect(signals.filter((signal) => signal.type === "state" && signal.target.model === "employment")).toHaveLength(1);
});

test("gonka#1421: a health check that is too late takes nobody out whose work gets on; one that is refused, or late while nothing is asked, does", () => {
  const busy = swim();
  busy.attempt("ok");
  busy.probe("progress", "pass");
  for (let i = 0; i < 20; i += 1) busy.probe("http", "fail", "timeout");
  expect(busy.room.route().primary).toBe("flows");
  expect(busy.room.current().status).toBe("suspect");
  busy.probe("progress", "unknown");
  busy.probe("http", "fail", "timeout");
  expect(busy.room.route().primary).toBe("blocked");

  const gone = swim();
  gone.probe("progress", "pass");
  gone.probe("http", "fail", "refused");
  gone.probe("http", "fail", "refused");
  expect(gone.room.route().primary).toBe("blocked");
});

/** Whom to ask next: the whole decision, without a byte moved. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { outcomes } from "../../agent/backend.ts";
import type { Outcome } from "../../agent/backend.ts";
import { entryOf, failedOn, hedgeRung, next, outcomeOf } from "../../agent/gateway/plan.ts";
import type { Situation } from "../../agent/gateway/plan.ts";

const ladder = (...where: readonly ("server" | "inside")[]): Situation["rungs"] => where.map((place) => ({ inside: place === "inside", hedges: place === "server", servers: place === "server" }));

const fresh: Situation = {
  entry: "flows",
  routeReason: "normal",
  kind: "inference",
  replayable: true,
  tried: [],
  retryRefused: false,
  barred: undefined,
  suspect: undefined,
  unsure: false,
  rungs: ladder("server", "inside"),
  asked: [],
  primaryLeftMs: 8_000,
  leftMs: 10_000,
};

/** Plays a request whose attempts at the primary all end so, and whose rungs all fail: who is asked, in order. */
function play(situation: Situation, outcome: Outcome, candidateEnds: Outcome = "error"): readonly string[] {
  const asked: string[] = [];
  let now = situation;
  for (;;) {
    const step = next(now);
    if (step.ask === "nobody") return asked;
    if (step.ask === "candidate") {
      asked.push(`candidate (${step.reason})`);
      now = { ...now, candidate: candidateEnds };
      continue;
    }
    asked.push(step.ask === "primary" ? `primary (${step.reason})` : `rung ${step.index} (${step.reason})`);
    now = step.ask === "primary" ? { ...now, tried: [...now.tried, outcome] } : { ...now, asked: [...now.asked, step.index] };
  }
}

test.each<[Outcome, readonly string[]]>([
  ["refused", ["primary (normal)", "primary (retried)", "rung 0 (refused)", "rung 1 (refused)"]],
  ["reset", ["primary (normal)", "primary (retried)", "rung 0 (reset)", "rung 1 (reset)"]],
  ["error", ["primary (normal)", "primary (retried)", "rung 0 (error)", "rung 1 (error)"]],
  ["overloaded", ["primary (normal)", "rung 0 (overloaded)", "rung 1 (overloaded)"]],
  ["timeout", ["primary (normal)", "rung 0 (timeout)", "rung 1 (timeout)"]],
  ["stalled", ["primary (normal)", "rung 0 (stalled)", "rung 1 (stalled)"]],
  ["invalid", ["primary (normal)", "rung 0 (invalid)", "rung 1 (invalid)"]],
])("an inference that ends in %s", (outcome, asked) => {
  expect(play(fresh, outcome)).toEqual(asked);
});

test("no second attempt where the budget refuses it, the bytes are gone or the primary's time is up", () => {
  const once = ["primary (normal)", "rung 0 (reset)", "rung 1 (reset)"];
  expect(play({ ...fresh, retryRefused: true }, "reset")).toEqual(once);
  expect(play({ ...fresh, primaryLeftMs: 0 }, "reset")).toEqual(once);
  expect(play({ ...fresh, replayable: false, rungs: [] }, "reset")).toEqual(["primary (normal)"]);
});

test("a trial is one attempt and then the rungs", () => {
  expect(play({ ...fresh, entry: "trial", routeReason: "circuit-open" }, "refused")).toEqual(["primary (trial)", "rung 0 (refused)", "rung 1 (refused)"]);
});

test("past the ladder the primary is asked after all, but never against a person's will", () => {
  expect(play({ ...fresh, entry: "ladder", routeReason: "unready" }, "refused")).toEqual(["rung 0 (unready)", "rung 1 (unready)", "primary (unready)"]);
  expect(play({ ...fresh, entry: "ladder", routeReason: "override" }, "refused")).toEqual(["rung 0 (override)", "rung 1 (override)"]);
});

test("a pinned backend is asked first and no other: the ladder goes on behind it, and at last the primary", () => {
  const pinned: Situation = { ...fresh, entry: "ladder", routeReason: "override", rungs: ladder("server", "inside", "inside"), pinned: 1 };
  expect(play(pinned, "refused")).toEqual(["rung 1 (override)", "rung 0 (override)", "rung 2 (override)", "primary (override)"]);
  expect(play({ ...fresh, routeReason: "override" }, "refused")).toEqual(["primary (override)", "primary (retried)", "rung 0 (refused)", "rung 1 (refused)"]);
});

test("a pin does not send a suspect request to a server", () => {
  expect(play({ ...fresh, entry: "ladder", routeReason: "override", pinned: 0, suspect: "known", barred: "quarantine" }, "reset")).toEqual(["rung 1 (quarantine)"]);
});

test("a request that breaks the contract, or finds no place, goes down the ladder and never to the primary", () => {
  expect(play({ ...fresh, barred: "contract" }, "error")).toEqual(["rung 0 (contract)", "rung 1 (contract)"]);
  expect(play({ ...fresh, barred: "overloaded" }, "error")).toEqual(["rung 0 (overloaded)", "rung 1 (overloaded)"]);
  expect(play({ ...fresh, barred: "contract", entry: "ladder", routeReason: "unready", rungs: [] }, "error")).toEqual([]);
});

test("a suspect gets one attempt at the primary, and then only rungs inside the sidecar", () => {
  expect(play({ ...fresh, suspect: "known" }, "reset")).toEqual(["primary (normal)", "rung 1 (reset)"]);
  expect(play({ ...fresh, suspect: "known", barred: "quarantine" }, "reset")).toEqual(["rung 1 (quarantine)"]);
  expect(play({ ...fresh, suspect: "known", rungs: ladder("server", "server") }, "reset")).toEqual(["primary (normal)"]);
});

test("what has just been in flight at a crash is asked of one other server, once, where nothing inside the sidecar answers", () => {
  const crashed: Situation = { ...fresh, suspect: "fresh", tried: ["reset"] };
  expect(play(crashed, "reset")).toEqual(["rung 1 (reset)", "rung 0 (reset)"]);
  expect(play({ ...crashed, rungs: ladder("server", "server") }, "reset")).toEqual(["rung 0 (reset)"]);
  expect(play({ ...crashed, rungs: ladder("inside") }, "reset")).toEqual(["rung 0 (reset)"]);
});

test("an answer that was not sure enough sends the question to the rungs", () => {
  expect(next({ ...fresh, tried: ["ok"], unsure: true })).toEqual({ ask: "rung", index: 0, reason: "confidence" });
  expect(next({ ...fresh, tried: ["ok"], unsure: true, asked: [0, 1] })).toEqual({ ask: "nobody" });
});

test("a hedge asks the first usable rung that is another model or server, only beside a first attempt of a request that is like any other", () => {
  const rungs = ladder("inside", "server", "server");
  const any = () => true;
  expect(hedgeRung({ ...fresh, rungs }, any)).toBe(1);
  expect(hedgeRung({ ...fresh, rungs }, (index) => index !== 1)).toBe(2);
  expect(hedgeRung({ ...fresh, rungs: ladder("inside") }, any)).toBeUndefined();
  const never: readonly Partial<Situation>[] = [
    { entry: "trial" }, { entry: "ladder" }, { kind: "safe" }, { replayable: false }, { tried: ["reset"] }, { suspect: "fresh" }, { asked: [1] }, { leftMs: 0 }, { barred: "overloaded" },
  ];
  for (const but of never) expect(hedgeRung({ ...fresh, rungs, ...but }, any)).toBeUndefined();
});

test("when the time is up nobody is asked any more", () => {
  expect(next({ ...fresh, tried: ["timeout"], leftMs: 0, primaryLeftMs: 0 })).toEqual({ ask: "nobody" });
});

test("a request that is no inference: safe ones are sent twice where no answer came, others once", () => {
  const other = { ...fresh, rungs: [] };
  expect(play({ ...other, kind: "safe" }, "reset")).toEqual(["primary (normal)", "primary (retried)"]);
  expect(play({ ...other, kind: "safe" }, "error")).toEqual(["primary (normal)"]);
  expect(play({ ...other, kind: "other" }, "reset")).toEqual(["primary (normal)"]);
});

test("whatever happens it ends, each rung is asked at most once, the primary at most twice, and not at all under an override", () => {
  const situations = fc.record({
    entry: fc.constantFrom("flows" as const, "trial" as const, "ladder" as const),
    routeReason: fc.constantFrom("normal" as const, "circuit-open" as const, "override" as const),
    kind: fc.constantFrom("inference" as const, "safe" as const, "other" as const),
    replayable: fc.boolean(),
    tried: fc.constant([]),
    retryRefused: fc.boolean(),
    barred: fc.constantFrom(undefined, "contract" as const, "quarantine" as const, "overloaded" as const),
    suspect: fc.constantFrom(undefined, "known" as const, "fresh" as const),
    unsure: fc.boolean(),
    rungs: fc.array(fc.record({ inside: fc.boolean(), hedges: fc.boolean(), servers: fc.boolean() }), { maxLength: 4 }),
    asked: fc.constant([]),
    primaryLeftMs: fc.integer({ min: -10, max: 10 }),
    leftMs: fc.integer({ min: -10, max: 10 }),
  });
  fc.assert(
    fc.property(situations, fc.constantFrom(...outcomes), (situation, outcome) => {
      const asked = play(situation, outcome);
      const primary = asked.filter((step) => step.startsWith("primary")).length;
      expect(primary).toBeLessThanOrEqual(2);
      expect(new Set(asked).size).toBe(asked.length);
      if (situation.entry === "ladder" && situation.routeReason === "override") expect(primary).toBe(0);
      if (situation.barred !== undefined) expect(primary).toBe(0);
      if (situation.suspect !== undefined) expect(primary).toBeLessThanOrEqual(1);
      const outside = situation.rungs.flatMap(({ inside }, index) => (inside ? [] : [`rung ${index} `]));
      const servers = asked.filter((step) => outside.some((rung) => step.startsWith(rung))).length;
      if (situation.suspect !== undefined) expect(servers).toBeLessThanOrEqual(situation.suspect === "fresh" ? 1 : 0);
    }),
  );
});

test("only a route on probation asks for the claim", () => {
  let claims = 0;
  const claim = () => (claims += 1) > 0;
  expect(entryOf({ primary: "flows", reason: "normal", rung: "primary" }, claim)).toBe("flows");
  expect(entryOf({ primary: "blocked", reason: "unready", rung: "small" }, claim)).toBe("ladder");
  expect(claims).toBe(0);
  expect(entryOf({ primary: "trial", reason: "circuit-open", rung: "small" }, claim)).toBe("trial");
  expect(entryOf({ primary: "trial", reason: "circuit-open", rung: "small" }, () => false)).toBe("ladder");
});

test("load is told apart from death, and the client's mistakes from the server's", () => {
  expect([200, 204, 304, 400, 404, 422].map((status) => outcomeOf(status, false))).toEqual(["ok", "ok", "ok", "rejected", "rejected", "rejected"]);
  expect([500, 502, 503, 504].map((status) => outcomeOf(status, false))).toEqual(["error", "error", "error", "error"]);
  expect([outcomeOf(429, false), outcomeOf(503, true), outcomeOf(500, true)]).toEqual(["overloaded", "overloaded", "error"]);
});

test("what is dealt to a candidate asks it first, and goes on behind it as if it were not there", () => {
  const dealt: Situation = { ...fresh, candidate: "dealt" };
  expect(play(dealt, "error", "timeout")).toEqual(["candidate (canary)", "primary (timeout)", "primary (retried)", "rung 0 (error)", "rung 1 (error)"]);
  expect(play(dealt, "timeout", "rejected")).toEqual(["candidate (canary)", "primary (normal)", "rung 0 (timeout)", "rung 1 (timeout)"]);
  expect(play({ ...dealt, entry: "ladder", routeReason: "circuit-open" }, "error", "reset")).toEqual(["candidate (canary)", "rung 0 (circuit-open)", "rung 1 (circuit-open)", "primary (circuit-open)"]);
});

test("nobody asks a candidate for a request that is barred, suspect, no inference, gone or out of time", () => {
  const dealt: Situation = { ...fresh, candidate: "dealt" };
  const others: readonly Partial<Situation>[] = [{ barred: "contract" }, { suspect: "known" }, { kind: "safe" }, { replayable: false }, { leftMs: 0 }, { tried: ["error"] }, { asked: [0] }];
  for (const other of others) expect(next({ ...dealt, ...other }).ask).not.toBe("candidate");
});

test("whatever became of the candidate, the others are asked as without it", () => {
  fc.assert(
    fc.property(fc.constantFrom(...outcomes), fc.constantFrom(...outcomes), fc.constantFrom("flows", "trial", "ladder"), (candidate, outcome, entry) => {
      const names = (situation: Situation) => play(situation, outcome).map((asked) => asked.split(" (")[0]);
      expect(names({ ...fresh, entry, candidate })).toEqual(names({ ...fresh, entry }));
    }),
  );
});

test("a rejection is the candidate's failure where the primary then answers well, load always, a client's leaving never", () => {
  const failed = (outcome: Outcome, behind?: Outcome) => failedOn(outcome, behind);
  expect([failed("rejected"), failed("rejected", "rejected"), failed("rejected", "error"), failed("rejected", "ok"), failed("unsupported", "ok")]).toEqual([false, false, false, true, true]);
  expect([failed("ok"), failed("cancelled"), failed("overloaded"), failed("error"), failed("timeout"), failed("stalled")]).toEqual([false, false, true, true, true, true]);
});

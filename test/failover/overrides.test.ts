/** A person's override over failover's state: what it does to the route, how it ends, and what the circuit learns beneath it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { AuditEntry } from "../../agent/audit.ts";
import type { Outcome } from "../../agent/backend.ts";
import { directives } from "../../agent/directives.ts";
import { failover, failoverOptions } from "../../agent/failover/failover.ts";
import { overrideOnly, type SavedFailover } from "../../agent/failover/saved.ts";
import type { Override, OverrideAsked } from "../../agent/override.ts";
import type { Principal } from "../../agent/principal.ts";
import type { Signal } from "../../exporters/signal.ts";
import { FakeClock } from "../fake-clock.ts";

const ada: Principal = { name: "ada", role: "act" };
const asked: OverrideAsked = { action: "pin", rung: "small", owner: "ada", reason: "it answers nonsense", ttlMs: 3_600_000 };
const hourMs = 3_600_000;

function swim({ saved, clock = new FakeClock(), usable = ["small", "default"] }: { saved?: unknown; clock?: FakeClock; usable?: readonly string[] } = {}) {
  const signals: Signal[] = [];
  const audit: AuditEntry[] = [];
  const routes: string[] = [];
  let last: SavedFailover | undefined;
  let overridden: Override | undefined;
  const room = failover(failoverOptions.parse({}), {
    clock,
    announce: (signal) => signals.push(signal),
    rungs: () => usable,
    ladder: ["small", "default"],
    doubt: (rung) => (usable.includes(rung) ? undefined : "it is not eligible: it agrees in 71 %"),
    audit: (entry) => audit.push(entry),
    overridden: (override) => (overridden = override),
    target: () => ({ model: "employment", version: "1", endpoint: "http://127.0.0.1:8080" }),
    routed: () => routes.push(room.route().rung),
    release: () => {},
    save: (state) => (last = state),
    saved,
    rev: 0,
  });
  const close = room.start();
  const attempt = (outcome: Outcome, trial = false) => room.hear({ kind: "attempt", backend: "primary", outcome, status: undefined, firstByteMs: 1, durationMs: 1, trial });
  const fail = () => {
    for (let i = 0; i < 5; i += 1) attempt("refused");
  };
  const probe = (verdict: "pass" | "fail") => room.hear({ kind: "probe", probe: "http", verdict, reason: verdict === "fail" ? "refused" : "none", durationMs: 1, detail: "" });
  attempt("ok");
  return { clock, room, signals, audit, routes, attempt, fail, probe, close, saved: () => last, overridden: () => overridden };
}

test("a pinned rung answers at once; everybody is told who decided, and when it is over the primary is back", () => {
  const { clock, room, signals, audit, routes, overridden } = swim();
  clock.advance(1_234);
  const answer = room.decide(asked, ada);
  expect(answer).toMatchObject({ ok: true, warnings: [], override: { action: "pin", rung: "small", owner: "ada", untilWallMs: clock.wallMs() + hourMs } });
  expect(room.route()).toEqual({ primary: "blocked", reason: "override", rung: "small" });
  expect(routes).toEqual(["primary", "small"]);
  expect(overridden()).toMatchObject({ rung: "small" });
  const until = new Date(clock.wallMs() + hourMs).toISOString();
  expect(signals.slice(-2)).toMatchObject([
    { type: "state", status: "isolated", rung: "small", reason: "override", cause: { detector: "operator", code: "pin", evidence: `ada pinned small until ${until}: it answers nonsense` } },
    { type: "transition", from: "healthy", to: "isolated", cause: { detector: "operator" } },
  ]);

  clock.advance(hourMs - 1);
  expect(room.route().rung).toBe("small");
  clock.advance(1);
  expect(room.route()).toEqual({ primary: "flows", reason: "normal", rung: "primary" });
  expect(signals.at(-1)).toMatchObject({ type: "transition", from: "isolated", to: "healthy", cause: { detector: "operator", code: "ended", evidence: "the pin of ada has ended: its time is over" } });
  expect(overridden()).toBeUndefined();
  expect(audit.map(({ who, action, result, reason }) => [who, action, result, reason])).toEqual([
    ["ada", "override.pin", "done", "it answers nonsense"],
    ["ada", "override.pin", "ended", "it answers nonsense"],
  ]);
});

test("the primary that a person pins is asked though its circuit is open, and its answers end the probation", () => {
  const { room, fail, attempt, probe, clock } = swim();
  fail();
  expect(room.route().primary).toBe("blocked");
  expect(room.decide({ ...asked, rung: "primary" }, ada)).toMatchObject({ ok: true, warnings: [expect.stringContaining("the primary is failing (5 attempts in a row failed")] });
  expect(room.route()).toEqual({ primary: "flows", reason: "override", rung: "primary" });
  expect(room.current()).toMatchObject({ status: "failed", rung: "primary", reason: "override", cause: { detector: "traffic" } });
  // What was sent before proves nothing; nor does anything before the probes agree.
  attempt("ok");
  expect(room.current().status).toBe("failed");
  clock.advance(2_000);
  probe("pass");
  probe("pass");
  expect(room.current().status).toBe("probation");
  expect(room.route().primary).toBe("flows");
  attempt("ok");
  expect(room.current()).toMatchObject({ status: "healthy", reason: "override", cause: { detector: "operator" } });
  room.release(ada, "all is well");
  expect(room.route()).toEqual({ primary: "flows", reason: "normal", rung: "primary" });
});

test("the circuit learns beneath a pin: the primary dies meanwhile, and the end of the pin does not send requests to it", () => {
  const { room, probe, clock, audit } = swim();
  room.decide({ ...asked, ttlMs: 10_000 }, ada);
  probe("fail");
  probe("fail");
  expect(room.current().status).toBe("isolated");
  clock.advance(10_000);
  expect(room.route()).toMatchObject({ primary: "blocked", reason: "unready", rung: "small" });
  expect(room.current()).toMatchObject({ status: "failed", cause: { detector: "http" } });
  expect(audit.at(-1)).toMatchObject({ result: "ended", detail: { why: "ended" } });
});

test("hold keeps whoever answers now: the primary through its failures, a rung through the primary's recovery", () => {
  const well = swim();
  expect(well.room.decide({ ...asked, action: "hold", rung: undefined }, ada)).toMatchObject({ override: { rung: "primary" } });
  well.fail();
  expect(well.room.route()).toMatchObject({ primary: "flows", rung: "primary" });

  const failed = swim();
  failed.fail();
  failed.room.decide({ ...asked, action: "hold", rung: undefined }, ada);
  failed.clock.advance(2_000);
  failed.probe("pass");
  failed.probe("pass");
  failed.clock.advance(10_000);
  expect(failed.room.route()).toEqual({ primary: "blocked", reason: "override", rung: "small" });
  expect(failed.room.claimTrial()).toBe(false);
  failed.room.release(ada);
  expect(failed.room.route()).toMatchObject({ primary: "flows", rung: "primary" });
});

test("drain keeps the primary from all requests, as a last resort too, and tells who must empty it", () => {
  const { clock, room, signals } = swim();
  const told: Signal[] = [];
  const directs = directives({ clock, announce: (signal) => told.push(signal), target: () => room.current().target });
  room.decide({ ...asked, action: "drain", rung: undefined }, ada);
  expect(room.route()).toEqual({ primary: "drained", reason: "override", rung: "small" });
  expect(signals.at(-1)).toMatchObject({ type: "transition", to: "draining", cause: { detector: "operator", code: "drain" } });
  for (const signal of signals) directs.signal(signal);
  directs.override(room.override());
  expect(told.at(-1)).toMatchObject({ type: "directive", action: "drain", why: expect.stringContaining("it answers nonsense") });
  room.release(ada);
  directs.override(room.override());
  expect(told.at(-1)).toMatchObject({ type: "directive", action: "restore", of: ["drain"] });
});

test("what is not there can not be pinned, and the list is told; what may not answer can, with a warning", () => {
  const { room, audit } = swim({ usable: ["default"] });
  expect(room.decide({ ...asked, rung: "big" }, ada)).toEqual({ ok: false, detail: 'there is no rung "big"; there are primary, small, default' });
  expect(room.decide({ ...asked, rung: undefined }, ada)).toMatchObject({ ok: false });
  expect(room.override()).toBeUndefined();
  expect(audit.map(({ result }) => result)).toEqual(["refused", "refused"]);
  expect(room.decide(asked, ada)).toMatchObject({ ok: true, warnings: ["small may not answer: it is not eligible: it agrees in 71 %; the others answer what it does not"] });
  expect(room.route().rung).toBe("small");
});

test("one replaces the other; each is in the audit once as set and once as ended", () => {
  const { room, audit } = swim();
  room.decide(asked, ada);
  const first = room.override()?.id;
  room.decide({ ...asked, action: "drain", rung: undefined, owner: "bob", reason: "new node" }, { name: "bob", role: "admin" });
  const second = room.override()?.id;
  expect(room.release(ada, "node is there")).toMatchObject({ owner: "bob" });
  expect(room.release(ada)).toBeUndefined();
  expect(audit.map(({ who, action, subject, result, detail }) => [who, action, subject, result, detail?.["why"] ?? detail?.["replaces"]])).toEqual([
    ["ada", "override.pin", first, "done", undefined],
    ["ada", "override.pin", first, "ended", "replaced"],
    ["bob", "override.drain", second, "done", first],
    ["ada", "override.release", second, "done", undefined],
    ["bob", "override.drain", second, "ended", "released"],
  ]);
});

test("a restart goes on with what is left of it by the wall clock, however long nobody ran", () => {
  const before = swim();
  before.room.decide(asked, ada);
  before.clock.advance(10 * 60_000);
  void before.close();
  const kept = before.saved();

  const after = swim({ saved: kept, clock: new FakeClock(before.clock.wallMs() + 20 * 60_000) });
  expect(after.room.route()).toMatchObject({ rung: "small", reason: "override" });
  expect(after.room.override()?.id).toBe(before.room.override()?.id);
  after.clock.advance(30 * 60_000 - 1);
  expect(after.room.override()).toBeDefined();
  after.clock.advance(1);
  expect(after.room.override()).toBeUndefined();
  expect(after.saved()?.override).toBeUndefined();

  const tooLate = swim({ saved: kept, clock: new FakeClock(before.clock.wallMs() + hourMs) });
  expect(tooLate.room.route().reason).toBe("normal");
  expect(tooLate.audit).toMatchObject([{ action: "override.pin", result: "ended", who: "ada", detail: { why: "ended" } }]);
  expect(tooLate.saved()?.override).toBeUndefined();
});

test("a wall clock that jumps makes no override last longer", () => {
  const before = swim();
  before.room.decide(asked, ada);
  const after = swim({ saved: before.saved(), clock: new FakeClock(0) });
  after.clock.advance(hourMs);
  expect(after.room.override()).toBeUndefined();
});

test("a reload takes it over, another server too; a rung that is no more ends it", () => {
  const before = swim();
  before.room.decide(asked, ada);
  before.fail();
  const { room } = swim({ saved: overrideOnly(before.room.saved()) });
  expect(room.route()).toMatchObject({ rung: "small", reason: "override" });
  room.release(ada);
  expect(room.route()).toMatchObject({ primary: "flows" });

  const gone = swim({ saved: { ...before.room.saved(), override: { ...before.room.saved().override, rung: "large" } } });
  expect(gone.room.override()).toBeUndefined();
  expect(gone.audit).toMatchObject([{ result: "ended", detail: { why: "gone" } }]);
});

test("what was decided while the next rooms were made is theirs", () => {
  const [before, next] = [swim(), swim()];
  before.room.decide(asked, ada);
  next.room.adopt(before.room.saved());
  expect(next.room.override()?.id).toBe(before.room.override()?.id);
  before.room.release(ada);
  next.room.adopt(before.room.saved());
  expect(next.room.route().reason).toBe("normal");
  // The audit has it from the one that was asked.
  expect(next.audit).toEqual([]);
});

test("whatever happens beneath it, the route is the override's until it ends", () => {
  const events = fc.array(fc.constantFrom("ok", "refused", "timeout", "pass", "fail", "wait"), { maxLength: 60 });
  fc.assert(
    fc.property(events, fc.constantFrom("pin small", "pin primary", "drain", "hold"), (told, what) => {
      const { room, attempt, probe, clock, close } = swim();
      const [action, rung] = what.split(" ") as [OverrideAsked["action"], string | undefined];
      room.decide({ ...asked, action, rung }, ada);
      const route = room.route();
      for (const event of told) {
        if (event === "wait") clock.advance(1_000);
        else if (event === "pass" || event === "fail") probe(event);
        else attempt(event as Outcome);
        expect(room.route()).toEqual(route);
      }
      void close();
      expect(clock.pending).toBe(0);
    }),
  );
});

/** What waits for a person: how it is put, answered, let go and kept, and what a decision comes to without an answer. */
import { expect, test } from "vitest";
import type { AuditEntry } from "../../agent/audit.ts";
import type { ActualObservation } from "../../agent/observation.ts";
import type { Principal } from "../../agent/principal.ts";
import type { Review } from "../../agent/review.ts";
import { decisionsOptions, modeOnDrift } from "../../agent/reviews/options.ts";
import { reviews } from "../../agent/reviews/reviews.ts";
import type { SavedReviews } from "../../agent/reviews/saved.ts";
import { FakeClock } from "../fake-clock.ts";

const ada: Principal = { name: "ada", role: "act" };
const unsure = { inferenceId: "i-1", model: "employment", confidence: 0.6123, rows: [2], atWallMs: 0 };
const asked = { question: "Keep requests from the primary?", evidence: "RELP moved" };
const minuteMs = 60_000;

function room({ options = {}, saved, clock = new FakeClock() }: { options?: object; saved?: unknown; clock?: FakeClock } = {}) {
  const rules = decisionsOptions.parse(options);
  const actuals: ActualObservation[] = [];
  const audit: AuditEntry[] = [];
  const pages: Review[] = [];
  const waiting = { answer: 0, approval: 0 };
  let kept: SavedReviews | undefined;
  let dropped = 0;
  const made = reviews({
    clock, saved,
    rule: (decision) => ({ ...rules[decision], mode: rules[decision].mode ?? "approve" }),
    observe: (actual) => actuals.push(actual),
    save: (state) => (kept = structuredClone(state)),
    audit: (entry) => audit.push(entry),
    dropped: (count) => (dropped += count),
    page: (review) => pages.push(review),
    counted: () => {},
    waiting: (kind, count) => (waiting[kind] = count),
  });
  const close = made.start();
  return { ...made, clock, actuals, audit, pages, waiting, close, kept: () => kept, dropped: () => dropped };
}

test("an answer that the model was not sure of: a person says what came true, and it goes the way of every actual", () => {
  const { unsure: tell, list, answer, actuals, audit, waiting, clock, get } = room();
  tell(unsure);
  expect(list("open", undefined, 10).reviews).toMatchObject([{ id: "1", kind: "answer", state: "open", question: "What came true for inference i-1 of model employment?", evidence: "the model was not sure of row 2: its confidence was 0.612" }]);
  expect(waiting.answer).toBe(1);
  clock.advance(1_000);
  expect(answer("1", { actuals: [1], reason: "the file says so" }, ada)).toMatchObject({ ok: true, review: { state: "answered" } });
  expect(actuals).toEqual([{ kind: "actual", inferenceId: "i-1", values: [1], atWallMs: clock.wallMs() }]);
  expect(audit).toMatchObject([{ who: "ada", action: "review.answer", subject: "1", reason: "the file says so", result: "done", detail: { inference: "i-1" } }]);
  expect(list("open", undefined, 10).reviews).toEqual([]);
  expect(get("1")).toMatchObject({ state: "answered", ended: { who: "ada", actuals: [1] } });
  expect(answer("1", { actuals: [0] }, ada)).toEqual({ ok: false, why: "ended", detail: "the review 1 has ended: answered by ada" });
  expect(actuals).toHaveLength(1);
});

test("what can not be known is skipped; what is no answer to the question is refused; what is not there is unknown", () => {
  const { unsure: tell, decide, answer, actuals } = room();
  tell(unsure);
  void decide("promotion", asked);
  expect(answer("1", { verdict: "do" }, ada)).toMatchObject({ ok: false, why: "unfit" });
  expect(answer("2", { actuals: [1] }, ada)).toMatchObject({ ok: false, why: "unfit" });
  expect(answer("2", { verdict: "skip" }, ada)).toMatchObject({ ok: false, why: "unfit" });
  expect(answer("3", { verdict: "do" }, ada)).toEqual({ ok: false, why: "unknown", detail: "there is no review 3" });
  expect(answer("1", { verdict: "skip" }, ada)).toMatchObject({ ok: true, review: { ended: { verdict: "skip" } } });
  expect(actuals).toEqual([]);
});

test("a thousand answers wait, the oldest go and are counted; pages go on where the last one ended, whatever was answered meanwhile", () => {
  const { unsure: tell, list, answer, dropped, waiting } = room();
  for (let i = 1; i <= 1_005; i += 1) tell({ ...unsure, inferenceId: `i-${i}` });
  expect([dropped(), waiting.answer]).toEqual([5, 1_000]);
  const first = list("open", undefined, 200);
  expect([first.reviews[0]?.id, first.next]).toEqual(["6", "205"]);
  answer("205", { verdict: "skip" }, ada);
  const seen = [...first.reviews];
  for (let { next } = first; next !== undefined; ) {
    const page = list("open", next, 200);
    seen.push(...page.reviews);
    next = page.next;
  }
  expect(seen.map(({ id }) => Number(id))).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 6));
  expect(list("all", "1004", 10).reviews.map(({ id }) => id)).toEqual(["1005"]);
});

test("a decision that waits: it pages, a person decides, and whoever asked goes on with that", async () => {
  const { decide, answer, pages, waiting, clock } = room();
  const { verdict } = decide("promotion", asked);
  expect(pages).toMatchObject([{ id: "1", kind: "approval", state: "open", decision: "promotion", default: "do-not", deadlineWallMs: clock.wallMs() + 30 * minuteMs }]);
  expect(waiting.approval).toBe(1);
  answer("1", { verdict: "do", reason: "go" }, ada);
  expect(await verdict).toBe("do");
  expect(pages.at(-1)).toMatchObject({ state: "answered" });
  clock.advance(60 * minuteMs);
  expect(pages).toHaveLength(2);
  expect(clock.pending).toBe(0);
});

test.for([["do", "do"], ["do-not", "do-not"]] as const)("without an answer by the deadline the default is taken: %s", async ([fallback, expected]) => {
  const { decide, audit, pages, get, clock } = room({ options: { promotion: { deadline: "15m", default: fallback } } });
  const { verdict } = decide("promotion", asked);
  clock.advance(15 * minuteMs - 1);
  expect(get("1")?.state).toBe("open");
  clock.advance(1);
  expect(await verdict).toBe(expected);
  expect(get("1")).toMatchObject({ state: "lapsed", ended: { who: "pilotfish", verdict: expected } });
  expect(pages.at(-1)).toMatchObject({ state: "lapsed" });
  expect(audit).toMatchObject([{ action: "decision.promotion", result: "ended", reason: "nobody answered by the deadline", detail: { verdict: expected } }]);
});

test("what needs a person is put to one even where the config says automatic, and only told where it says notify", async () => {
  const { decide, list, answer } = room({ options: { promotion: { mode: "automatic" }, rollback: { mode: "notify" } } });
  const pending = decide("promotion", { ...asked, asksPerson: true });
  expect(list("open", undefined, 10).reviews).toMatchObject([{ decision: "promotion", state: "open", default: "do-not" }]);
  answer("1", { verdict: "do" }, ada);
  expect(await pending.verdict).toBe("do");
  expect(await decide("rollback", { ...asked, asksPerson: true }).verdict).toBe("do-not");
  expect(list("open", undefined, 10).reviews).toEqual([]);
});

test("automatic is done and told, notify is told and not done; neither waits, both can be looked up and are in the audit", async () => {
  const { decide, list, audit, waiting, pages } = room();
  expect(await decide("rollback", asked).verdict).toBe("do");
  expect(await decide("retrain", asked).verdict).toBe("do-not");
  expect(list("open", undefined, 10).reviews).toEqual([]);
  expect(list("all", undefined, 10).reviews.map(({ decision, state }) => [decision, state])).toEqual([["rollback", "automatic"], ["retrain", "notified"]]);
  expect(audit.map(({ action, detail }) => [action, detail?.["verdict"]])).toEqual([["decision.rollback", "do"], ["decision.retrain", "do-not"]]);
  expect([waiting.approval, pages.length]).toEqual([0, 0]);
});

test("of each decision one waits: asked again it is the same question with newer evidence, and the deadline stays", async () => {
  const { decide, answer, list, clock } = room();
  const first = decide("promotion", asked);
  clock.advance(minuteMs);
  const second = decide("promotion", { ...asked, evidence: "RELP and AGEP moved" });
  expect(list("open", undefined, 10).reviews).toMatchObject([{ id: "1", evidence: "RELP and AGEP moved", deadlineWallMs: clock.wallMs() + 29 * minuteMs }]);
  answer("1", { verdict: "do" }, ada);
  expect(await Promise.all([first.verdict, second.verdict])).toEqual(["do", "do"]);
});

test("a question that is no longer one is withdrawn, and its page ends", () => {
  const { decide, pages, answer } = room();
  decide("promotion", asked).withdraw();
  expect(pages.at(-1)).toMatchObject({ state: "withdrawn" });
  expect(answer("1", { verdict: "do" }, ada)).toMatchObject({ ok: false, why: "ended" });
});

test("what waits outlives a restart: the deadline has gone on meanwhile, and whoever asks again has the old answer's time", async () => {
  const before = room();
  before.unsure(unsure);
  void before.decide("promotion", asked);
  before.clock.advance(10 * minuteMs);
  void before.close();

  const after = room({ saved: before.kept(), clock: new FakeClock(before.clock.wallMs() + 10 * minuteMs) });
  expect(after.list("open", undefined, 10).reviews.map(({ id }) => id)).toEqual(["1", "2"]);
  expect(after.pages).toMatchObject([{ id: "2", state: "open" }]);
  const { verdict } = after.decide("promotion", asked);
  after.clock.advance(10 * minuteMs);
  expect(await verdict).toBe("do-not");
  after.unsure(unsure);
  expect(after.get("3")).toBeDefined();

  const late = room({ saved: before.kept(), clock: new FakeClock(before.clock.wallMs() + 60 * minuteMs) });
  late.clock.advance(0);
  expect(late.get("2")).toMatchObject({ state: "lapsed" });
});

test("many answers are kept once a second, a decision at once, and what a later version kept is left alone", () => {
  const { unsure: tell, decide, kept, clock, close } = room();
  for (let i = 0; i < 100; i += 1) tell({ ...unsure, inferenceId: `i-${i}` });
  expect(kept()).toBeUndefined();
  clock.advance(1_000);
  expect(kept()?.reviews).toHaveLength(100);
  void decide("promotion", asked);
  expect(kept()?.reviews).toHaveLength(101);
  tell(unsure);
  void close();
  expect(kept()?.reviews).toHaveLength(102);
  expect(room({ saved: { version: 2, reviews: "?" } }).list("all", undefined, 10).reviews).toEqual([]);
});

test("a failover on drift is as failover.onDrift says, unless decisions say otherwise", () => {
  const rules = (mode?: string) => decisionsOptions.parse(mode === undefined ? {} : { failoverOnDrift: { mode } });
  expect([modeOnDrift(rules(), "page"), modeOnDrift(rules(), "failover"), modeOnDrift(rules("approve"), "failover"), modeOnDrift(rules("automatic"), "page")]).toEqual(["notify", "automatic", "approve", "automatic"]);
});

/** The rollout room by its stories: what the gateway is told to deal, who is asked, who is told, and what outlives a kill. */
import { setImmediate as settled } from "node:timers/promises";
import { expect, test } from "vitest";
import { instruments } from "../../exporters/instruments.ts";
import { Meter } from "../../exporters/meter.ts";
import type { JudgeSignal, RolloutSignal, Signal } from "../../exporters/signal.ts";
import type { AuditEntry } from "../../agent/audit.ts";
import { silent } from "../../agent/log.ts";
import type { Principal } from "../../agent/principal.ts";
import type { ModelDescription } from "../../agent/protocols/protocol.ts";
import type { Verdict } from "../../agent/review.ts";
import type { CandidateAsked } from "../../agent/rollout-view.ts";
import type { Deal, TrialReading } from "../../agent/trial.ts";
import type { Actuation } from "../../agent/rollout/actuators/actuation.ts";
import { rolloutOptions } from "../../agent/rollout/options.ts";
import type { RolloutModes } from "../../agent/rollout/plan.ts";
import { rollouts, type RolloutsDeps } from "../../agent/rollout/rollouts.ts";
import type { TrialSetup } from "../../agent/rollout/trial-comparisons.ts";
import type { Used } from "../../agent/rollout/seat.ts";
import { rolloutSeries } from "../../agent/rollout/series.ts";
import { FakeClock } from "../fake-clock.ts";

const ada: Principal = { name: "ada", role: "act" };
const schema: ModelDescription = { name: "m", versions: ["1", "2"], inputs: [{ name: "x", datatype: "FP32", shape: [-1, 2] }], outputs: [{ name: "y", datatype: "FP32", shape: [-1] }] };
const steps = [{ weight: "10%", hold: "1m", timeBox: "10m" }, { weight: 0.5, hold: "1m", timeBox: "10m" }];

interface Question {
  readonly decision: string;
  readonly question: string;
  readonly asksPerson: boolean;
  readonly answer: (verdict: Verdict) => void;
  withdrawn: boolean;
}

interface World {
  options: unknown;
  modes: RolloutModes;
  saved: unknown;
  clock: FakeClock;
  versions: string[];
  version: string | undefined;
  url: string;
  use: (candidate: CandidateAsked | undefined) => Promise<Used>;
  describe: (candidate: CandidateAsked) => Promise<ModelDescription | undefined>;
  load: RolloutsDeps["load"];
  act: RolloutsDeps["act"];
}

/** A room whose neighbours are lists. */
function room(changed: Partial<World> = {}) {
  const world: World = {
    options: { candidate: { version: "2" }, steps }, modes: { promotion: "automatic", rollback: "automatic" }, saved: undefined, clock: new FakeClock(),
    versions: ["1", "2"], version: "1", url: "http://127.0.0.1:8080",
    use: async () => ({ ok: true }), describe: async () => schema, load: () => undefined, act: (actuation) => void acted.push(actuation),
    ...changed,
  };
  const acted: Actuation[] = [];
  const signals: Signal[] = [];
  const audited: AuditEntry[] = [];
  const history: Readonly<Record<string, unknown>>[] = [];
  const questions: Question[] = [];
  const trials: (TrialSetup | undefined)[] = [];
  const used: (CandidateAsked | undefined)[] = [];
  /** What was dealt when each thing happened. */
  const order: string[] = [];
  const state: { saved: unknown } = { saved: undefined };
  const { clock } = world;
  const meter = new Meter(clock);
  const options = rolloutOptions.parse(world.options);
  const made = rollouts({
    clock, log: silent,
    options: () => options,
    modes: () => world.modes,
    primary: () => ({ model: "m", url: world.url, version: world.version, versions: world.versions }),
    target: () => ({ model: "m", version: world.version, endpoint: world.url }),
    description: () => schema,
    seat: {
      use(candidate) {
        used.push(candidate);
        return world.use(candidate);
      },
      describe: (candidate) => world.describe(candidate),
    },
    load: (version, timeoutMs) => world.load(version, timeoutMs),
    decide(decision, { question, asksPerson }) {
      const asked = Promise.withResolvers<Verdict>();
      const mode = world.modes[decision];
      const one: Question = { decision, question, asksPerson, answer: asked.resolve, withdrawn: false };
      questions.push(one);
      if (mode === "notify" || (mode === "automatic" && !asksPerson)) asked.resolve(mode === "notify" ? "do-not" : "do");
      return { verdict: asked.promise, withdraw: () => void (one.withdrawn = true) };
    },
    announce: (signal) => void signals.push(signal),
    audit: (entry) => void audited.push(entry),
    happened: (detail) => void history.push(detail),
    series: rolloutSeries(meter, () => "m"),
    dealt: () => void order.push(`dealt ${made.deal()?.weight ?? "nothing"}`),
    useTrial(setup) {
      trials.push(setup);
      order.push(setup === undefined ? "judge off" : "judge on");
    },
    act(actuation) {
      order.push(`act ${actuation.action}`);
      world.act(actuation);
    },
    save: (saved) => void (state.saved = structuredClone(saved)),
    saved: world.saved,
  });
  const close = made.run();
  const id = (): string => made.current()?.id ?? "none";
  return {
    ...made, world, clock, close, signals, audited, history, questions, trials, used, order, acted, meter,
    saved: () => state.saved,
    begin: () => made.start({}, ada),
    says: (verdict: TrialReading["verdict"], more: Partial<TrialReading> = {}) => made.hear(reading(id(), verdict, more)),
    stands: () => {
      const view = made.current();
      return `${view?.phase} ${view?.reason} ${made.deal()?.weight ?? "nothing"}`;
    },
    rolloutSignals: () => signals.filter((signal): signal is RolloutSignal => signal.type === "rollout").map(({ phase, reason, step, weight }) => `${phase} ${reason} ${step} ${weight}`),
    judgeSignals: () => signals.filter((signal): signal is JudgeSignal => signal.type === "judge"),
    series: () => [...meter.families()].filter(({ instrument }) => instrument.name.startsWith("pilotfish.rollout.")).flatMap(({ instrument, series }) => [...series].map(({ attributes, value }) => `${instrument.name.slice(18)} ${Object.values(attributes).slice(1).join(" ")} ${value}`.replaceAll("  ", " "))),
  };
}

function reading(rollout: string, verdict: TrialReading["verdict"], more: Partial<TrialReading> = {}): TrialReading {
  const comparison = { name: "errors", verdict, log10Evidence: verdict === "harm" ? 3 : -0.5, threshold: 2.3, effect: verdict === "harm" ? 0.5 : 0, low: -0.01, high: undefined, minimumHarm: 0.01, margin: 0.02, unit: "ratio", events: 70, effective: 60 } as const;
  return { rollout, verdict, harmed: verdict === "harm" ? ["errors"] : [], comparisons: [comparison], requests: { candidate: 10, primary: 60 }, pairs: 0, actuals: 0, message: `the errors say ${verdict}`, atWallMs: 0, ...more };
}

test("a candidate that is not worse takes its steps, and in the end gets all of the traffic", async () => {
  const { begin, says, stands, clock, deal, rolloutSignals, acted, questions, trials, audited, history, current } = room();
  expect(await begin()).toMatchObject({ ok: true, rollout: { name: "version 2", primaryVersion: "1", phase: "trying", step: 1, weight: 0.1, startedBy: "ada" } });
  expect(deal()).toEqual({ rollout: current()?.id, candidate: { kind: "server", version: "2" }, weight: 0.1, shadow: 0, key: {}, judged: true });
  expect(Object.isFrozen(deal())).toBe(true);
  const dealt = deal();
  clock.advance(30_000);
  says("not-worse");
  expect(deal(), "the same object while nothing changes").toBe(dealt);
  clock.advance(30_000);
  says("not-worse");
  expect(stands()).toBe("trying step 0.5");
  clock.advance(60_000);
  says("not-worse");
  expect(stands()).toBe("promoted not-worse 1");
  expect(deal()?.judged).toBe(false);
  expect(rolloutSignals()).toEqual(["trying started 1 0.1", "trying step 2 0.5", "promoted not-worse 2 1"]);
  expect(acted.map(({ action, weight, candidateVersion, primaryVersion }) => [action, weight, candidateVersion, primaryVersion])).toEqual([["start", 0.1, "2", "1"], ["weight", 0.5, "2", "1"], ["promote", 1, "2", "1"]]);
  const setup = { rollout: current()?.id, options: rolloutOptions.parse({}).judge, live: true, copies: false, keyed: false };
  expect(trials).toEqual([{ ...setup, weight: 0.1 }, { ...setup, weight: 0.5 }, undefined]);
  expect(questions.map(({ decision, question, asksPerson }) => [decision, question, asksPerson]), "nobody is asked, and it is on record").toEqual([["promotion", "Give version 2 50 % of the requests?", false], ["promotion", "Give version 2 all of the requests?", false]]);
  expect(audited).toMatchObject([{ who: "ada", action: "rollout.start", result: "done", detail: { candidate: "version 2" } }]);
  expect(history.map(({ phase, weight }) => [phase, weight])).toEqual([["trying", 0.1], ["trying", 0.5], ["promoted", 1]]);
});

test("harm takes the traffic off at once, before anybody else is told", async () => {
  const { begin, says, stands, order, current, deal, used, judgeSignals, acted } = room();
  await begin();
  says("continue");
  order.length = 0;
  says("harm");
  expect(stands()).toBe("aborted harm nothing");
  expect(deal()).toBeUndefined();
  expect(order).toEqual(["dealt nothing", "judge off", "act roll-back"]);
  expect(current()?.message).toBe("version 2 gets no requests any more: the errors say harm");
  expect(used.at(-1), "its place is cleared").toBeUndefined();
  expect(acted.at(-1)).toMatchObject({ action: "roll-back", weight: 0, reason: "harm", candidateVersion: "2", primaryVersion: "1" });
  expect(judgeSignals().map(({ verdict, final, n, effect }) => [verdict, final, n, effect.metric])).toEqual([["continue", false, 60, "errors"], ["harm", true, 60, "errors"]]);
  says("not-worse");
  expect(stands()).toBe("aborted harm nothing");
});

test("an actuator that throws or fails does not keep traffic on the candidate, and is told of", async () => {
  const { begin, says, deal, reported, history, current } = room({
    act() {
      throw new Error("the cluster is on fire");
    },
  });
  await begin();
  says("harm");
  expect(deal()).toBeUndefined();
  reported({ id: "a", rollout: current()?.id as string, actuator: "kserve", action: "roll-back", result: "under-way", attempts: 1, detail: "", atWallMs: 0 });
  reported({ id: "a", rollout: current()?.id as string, actuator: "kserve", action: "roll-back", result: "failed", attempts: 5, detail: "answered 500", atWallMs: 0 });
  expect(current()?.actuations).toEqual([{ actuator: "kserve", action: "roll-back", result: "failed", attempts: 5, detail: "answered 500", atWallMs: 0 }]);
  expect(history.at(-1)).toMatchObject({ actuator: "kserve", result: "failed", message: "answered 500" });
  for (let i = 0; i < 60; i += 1) reported({ id: String(i), rollout: current()?.id as string, actuator: "webhook", action: "weight", result: "done", attempts: 1, detail: "", atWallMs: 0 });
  expect(current()?.actuations).toHaveLength(50);
});

test("approve asks a person before each promotion; yes goes on, no takes the traffic off", async () => {
  const { begin, says, stands, clock, questions } = room({ modes: { promotion: "approve", rollback: "automatic" } });
  await begin();
  clock.advance(60_000);
  says("not-worse");
  expect(stands()).toBe("asking not-worse 0.1");
  expect(questions).toMatchObject([{ decision: "promotion", question: "Give version 2 50 % of the requests?" }]);
  questions[0]?.answer("do");
  await settled();
  expect(stands()).toBe("trying step 0.5");
  clock.advance(60_000);
  says("not-worse");
  questions[1]?.answer("do-not");
  await settled();
  expect(stands()).toBe("aborted declined nothing");
});

test("a question that is overtaken is withdrawn, and its late answer counts for nothing", async () => {
  const { begin, says, stands, clock, questions } = room({ modes: { promotion: "approve", rollback: "approve" } });
  await begin();
  clock.advance(60_000);
  says("not-worse");
  says("harm");
  expect(stands()).toBe("asking harm 0.1");
  expect(questions.map(({ decision, withdrawn }) => [decision, withdrawn])).toEqual([["promotion", true], ["rollback", false]]);
  questions[0]?.answer("do");
  await settled();
  expect(stands()).toBe("asking harm 0.1");
  questions[1]?.answer("do");
  await settled();
  expect(stands()).toBe("aborted harm nothing");
});

test("notify tells and does not do, and waits for a person's word", async () => {
  const { begin, says, stands, questions, abort, promote, clock } = room({ modes: { promotion: "notify", rollback: "notify" } });
  await begin();
  clock.advance(60_000);
  says("not-worse");
  await settled();
  expect(stands()).toBe("asking not-worse 0.1");
  promote(ada, undefined);
  says("harm");
  await settled();
  expect(stands()).toBe("asking harm 0.5");
  expect(questions.map(({ decision }) => decision)).toEqual(["promotion", "rollback"]);
  expect(abort(ada, "no")).toMatchObject({ ok: true, rollout: { phase: "aborted", reason: "person" } });
});

test("a judge that has died promotes nothing; when the time box is over a person is asked, even where all is automatic", async () => {
  const { begin, says, stands, clock, questions, judgeSignals, series } = room();
  await begin();
  says("continue");
  clock.advance(599_000);
  expect(stands()).toBe("trying started 0.1");
  clock.advance(1_000);
  expect(stands()).toBe("asking time-box 0.1");
  expect(questions).toMatchObject([{ decision: "promotion", question: "Give version 2 50 % of the requests?", asksPerson: true }]);
  expect(judgeSignals().at(-1)).toMatchObject({ verdict: "inconclusive", final: false });
  expect(series().filter((line) => line.includes("evidence")), "old evidence is no evidence").toEqual([]);
  clock.advance(3_600_000);
  expect(stands()).toBe("asking time-box 0.1");
  questions[0]?.answer("do-not");
  await settled();
  expect(stands()).toBe("aborted declined nothing");
});

test("readings of another rollout, and those that come when it is over, change nothing", async () => {
  const { begin, says, stands, abort } = room();
  await begin();
  says("harm", { rollout: "another" });
  expect(stands()).toBe("trying started 0.1");
  abort(ada, undefined);
  says("harm");
  expect(stands()).toBe("aborted person nothing");
});

test("copies alone answer nobody; with steps after them the traffic begins there", async () => {
  const copies = { hold: "1m", timeBox: "10m" };
  const { start, says, deal, clock, acted, stands } = room({ options: { candidate: { url: "http://127.0.0.1:9" }, mode: "shadow-then-canary", steps, shadow: copies } });
  await start({}, ada);
  expect(deal()).toMatchObject({ weight: 0, shadow: 0.1, candidate: { kind: "server", url: "http://127.0.0.1:9" } });
  expect(acted).toEqual([]);
  clock.advance(60_000);
  says("not-worse");
  expect(deal()).toMatchObject({ weight: 0.1, shadow: 0 });
  expect(acted.map(({ action }) => action)).toEqual(["start"]);

  const alone = room({ options: { mode: "shadow", shadow: copies } });
  await alone.start({ candidate: { onnx: "/models/small.onnx" } }, ada);
  expect(alone.current()).toMatchObject({ name: "small.onnx", step: 0, steps: [], weight: 0, shadow: 0.1 });
  alone.clock.advance(60_000);
  alone.says("not-worse");
  expect(alone.stands()).toBe("asking not-worse 0");
  expect(alone.questions).toMatchObject([{ decision: "promotion", question: "Give small.onnx all of the requests?", asksPerson: true }]);
  alone.says("harm");
  expect(alone.stands()).toBe("aborted harm nothing");
  expect(alone.acted, "nobody was told of a weight that never was").toEqual([]);
  expect(stands()).toBe("trying step 0.1");
});

test("one runs at a time, and what was promoted has to be settled first", async () => {
  const { begin, promote, abort, audited, world, clock, deal, current, used } = room();
  expect(promote(ada, undefined)).toMatchObject({ ok: false, why: "unknown" });
  expect(abort(ada, undefined)).toMatchObject({ ok: false, why: "unknown" });
  const [first, second] = await Promise.all([begin(), begin()]);
  expect([first.ok, second]).toMatchObject([true, { ok: false, why: "conflict", detail: "a rollout is being started" }]);
  expect(await begin()).toMatchObject({ ok: false, why: "conflict", detail: "the rollout of version 2 is under way: promote it or abort it first" });
  promote(ada, "we know it");
  expect(promote(ada, undefined)).toMatchObject({ ok: true, rollout: { phase: "promoted", reason: "person" } });
  expect(promote(ada, undefined)).toMatchObject({ ok: false, why: "conflict", detail: "version 2 was promoted already" });
  expect(await begin()).toMatchObject({ ok: false, why: "conflict" });
  expect(audited.filter(({ result }) => result === "refused").map(({ action }) => action)).toEqual(["rollout.promote", "rollout.abort", "rollout.start", "rollout.start", "rollout.promote", "rollout.start"]);

  // The server has unloaded version 1: nothing has to be dealt any more.
  world.versions = ["2"];
  clock.advance(1_000);
  expect(deal()).toBeUndefined();
  expect(current()).toMatchObject({ phase: "promoted", weight: 0, message: "version 2 is what the primary itself serves now" });
  expect(used.at(-1)).toBeUndefined();
  world.version = "2";
  expect(await begin(), "equal to the primary").toMatchObject({ ok: false, why: "unfit" });
});

test("a person takes the traffic back, also after the promotion", async () => {
  const { begin, promote, abort, deal, acted, current, rolloutSignals } = room();
  await begin();
  promote(ada, undefined);
  promote(ada, undefined);
  expect(deal()?.weight).toBe(1);
  expect(abort(ada, "customers complain")).toMatchObject({ ok: true, rollout: { phase: "aborted", reason: "person", weight: 0, message: "version 2 gets no requests any more: ada decided so" } });
  expect(deal()).toBeUndefined();
  expect(acted.map(({ action }) => action)).toEqual(["start", "weight", "promote", "roll-back"]);
  expect(rolloutSignals().at(-1)).toBe("aborted person 2 0");
  expect(abort(ada, undefined)).toMatchObject({ ok: false, why: "conflict", detail: "the rollout of version 2 is over: it was aborted" });
  expect(current()?.phase).toBe("aborted");
});

test.each<readonly [string, Partial<World>, CandidateAsked | undefined, RegExp]>([
  ["nobody is named", { options: { steps } }, undefined, /name a candidate/],
  ["nothing is named", {}, {}, /expected a candidate/],
  ["a file and a url", {}, { onnx: "a.onnx", url: "http://127.0.0.1:9" }, /an onnx file has no url/],
  ["no url", {}, { url: "ftp://a" }, /url: expected a model server's URL/],
  ["the primary's own address", {}, { url: "http://localhost:8080/" }, /equal to the primary/],
  ["the version that answers", {}, { version: "1" }, /equal to the primary/],
  ["the same in full", {}, { url: "http://127.0.0.1:8080", version: "1" }, /equal to the primary/],
  ["the only version that is described", { version: undefined, versions: ["2"] }, { version: "2" }, /equal to the primary/],
  ["nobody answers", { use: async () => ({ ok: false, detail: "connection refused" }) }, { url: "http://127.0.0.1:9" }, /connection refused/],
  ["its place throws", { use: async () => Promise.reject(new Error("no such file")) }, { onnx: "a.onnx" }, /no such file/],
  ["a version that can not be loaded", { load: async () => ({ ok: false, detail: "the server did not load version 7: it answered 404" }) }, { version: "7" }, /answered 404/],
  ["copies of nothing", { options: { mode: "shadow", shadow: { ratio: 0 } } }, { version: "2" }, /nothing would be copied/],
])("a candidate that can not be used is refused with what came, and nothing is dealt: %s", async (_, changed, candidate, says) => {
  const { start, deal, current, audited } = room({ ...changed, ...(changed.options === undefined && { options: { steps } }) });
  const answer = await start(candidate === undefined ? {} : { candidate }, ada);
  expect(answer).toMatchObject({ ok: false, why: "unfit", detail: expect.stringMatching(says) as string });
  expect(deal()).toBeUndefined();
  expect(current()).toBeUndefined();
  expect(audited).toMatchObject([{ who: "ada", action: "rollout.start", result: "refused" }]);
});

test("a candidate with another schema is refused with each difference", async () => {
  const other: ModelDescription = {
    name: "m", versions: ["2"],
    inputs: [{ name: "x", datatype: "FP64", shape: [-1, 3] }, { name: "z", datatype: "BYTES", shape: [-1] }],
    outputs: [{ name: "score", datatype: "FP32", shape: [-1] }],
  };
  const { begin, used } = room({ describe: async () => other });
  expect(await begin()).toMatchObject({
    ok: false, why: "unfit",
    problems: [
      'input "x": the datatype is FP32, the candidate\'s FP64',
      'input "x": the shape is [-1, 2], the candidate\'s [-1, 3]',
      'input "z": the candidate wants it, and no request has it',
      'output "y": the candidate has none; it has "score"',
    ],
  });
  expect(used).toEqual([{ version: "2" }, undefined]);
});

test("where the candidate does not describe itself the rollout goes on and says so; more outputs and a free size are no difference", async () => {
  const silentOne = room({ describe: async () => undefined });
  expect(await silentOne.begin()).toMatchObject({ ok: true, rollout: { message: expect.stringContaining("its schema was not compared: the candidate does not describe itself") as string } });
  const more: ModelDescription = { ...schema, inputs: [{ name: "x", datatype: "FP32", shape: [8, 2] }], outputs: [...schema.outputs, { name: "extra", datatype: "FP32", shape: [1] }] };
  expect(await room({ describe: async () => more }).begin()).toMatchObject({ ok: true });
});

test("a version that the server has not got is loaded first, and not waited for without end", async () => {
  const loads: string[] = [];
  const there = room({ versions: ["1"], load: async (version) => (loads.push(version), { ok: true }) });
  expect(await there.begin()).toMatchObject({ ok: true });
  expect(loads).toEqual(["2"]);

  const hung = room({ options: { candidate: { version: "2" }, steps, loadTimeout: "30s" }, versions: ["1"], load: () => new Promise(() => {}) });
  const starting = hung.begin();
  await hung.clock.advanceAsync(30_000);
  expect(await starting).toMatchObject({ ok: false, why: "unfit", detail: "version 2 can not be tried: version 2 was not loaded within 30 s" });
});

test("after a kill in mid-step it goes on with what was held, under the same id, once its candidate is there again", async () => {
  const first = room();
  await first.begin();
  first.clock.advance(60_000);
  first.says("not-worse");
  first.clock.advance(42_000);
  const id = first.current()?.id;

  // Killed: nothing was closed. The next process has another clock, and the candidate takes its time.
  let isThere = false;
  const clock = new FakeClock();
  clock.advance(7);
  const second = room({ clock, saved: first.saved(), use: async () => (isThere ? { ok: true } : { ok: false, detail: "connection refused" }) });
  expect(second.current()).toMatchObject({ id, phase: "trying", step: 2, weight: 0.5 });
  expect(second.deal(), "nothing is dealt to nobody").toBeUndefined();
  await clock.advanceAsync(60_000, 500);
  second.says("not-worse");
  expect(second.stands()).toBe("trying step nothing");
  isThere = true;
  for (let i = 0; i < 100 && second.deal() === undefined; i += 1) await clock.advanceAsync(500);
  expect(second.deal()).toMatchObject({ rollout: id, weight: 0.5 });
  expect(second.trials).toMatchObject([{ rollout: id, weight: 0.5 }]);
  // Of the hold's 60 s at most the last five before the kill are lost.
  const leftMs = (second.current()?.holdUntilWallMs ?? 0) - clock.wallMs();
  expect(leftMs).toBeGreaterThanOrEqual(17_500);
  expect(leftMs).toBeLessThanOrEqual(23_000);
  clock.advance(leftMs - 1);
  second.says("not-worse");
  expect(second.stands()).toBe("trying step 0.5");
  clock.advance(1);
  second.says("not-worse");
  expect(second.stands()).toBe("promoted not-worse 1");

  const third = room({ saved: second.saved() });
  await settled();
  expect(third.stands(), "what was promoted keeps its traffic").toBe("promoted not-worse 1");
  third.abort(ada, undefined);
  const fourth = room({ saved: third.saved() });
  await settled();
  expect(fourth.stands(), "what was aborted is shown").toBe("aborted person nothing");
  expect(await fourth.begin()).toMatchObject({ ok: true });
});

test("a candidate that does not come back after a restart is taken back, and told", async () => {
  const first = room();
  await first.begin();
  const second = room({ saved: first.saved(), use: async (candidate) => (candidate === undefined ? { ok: true } : { ok: false, detail: "no such file" }) });
  await second.clock.advanceAsync(299_000, 500);
  expect(second.stands()).toBe("trying started nothing");
  await second.clock.advanceAsync(60_000, 500);
  expect(second.stands()).toBe("aborted lost nothing");
  expect(second.rolloutSignals().at(-1)).toBe("aborted lost 1 0");
  expect(second.history.at(-1)).toMatchObject({ phase: "aborted", reason: "lost" });
});

test("a person who is asked is asked again after a restart", async () => {
  const first = room({ modes: { promotion: "approve", rollback: "automatic" } });
  await first.begin();
  first.clock.advance(60_000);
  first.says("not-worse");
  const second = room({ modes: { promotion: "approve", rollback: "automatic" }, saved: first.saved() });
  await settled();
  expect(second.questions).toMatchObject([{ decision: "promotion", question: "Give version 2 50 % of the requests?" }]);
  second.questions[0]?.answer("do");
  await settled();
  expect(second.stands()).toBe("trying step 0.5");
});

test("when the gateway is made anew nothing is dealt until the candidate is there, and a start meanwhile is refused", async () => {
  const { begin, reseat, deal, world, clock, used } = room();
  await begin();
  const late = Promise.withResolvers<Used>();
  world.use = () => late.promise;
  reseat();
  expect(deal()).toBeUndefined();
  late.resolve({ ok: true });
  await settled();
  expect(deal()).toMatchObject({ weight: 0.1 });
  expect(used).toEqual([{ version: "2" }, { version: "2" }]);

  const other = room();
  const starting = other.begin();
  other.reseat();
  expect(await starting).toMatchObject({ ok: false, why: "conflict" });
  expect(clock.pending).toBe(1);
});

test("what was saved by something else is let be", () => {
  for (const saved of [undefined, 7, { version: 2 }, { version: 1, rollout: { id: "x" } }]) expect(room({ saved }).current()).toBeUndefined();
});

test("its series are there while it runs, and gone when it is over", async () => {
  const { begin, says, series, abort, meter } = room();
  expect(series()).toEqual([]);
  await begin();
  says("continue");
  expect(series()).toEqual(expect.arrayContaining(["phase trying 1", "phase promoted 0", "weight 0.1", "step 1", "verdict continue 1", "verdict harm 0", "evidence errors -0.5", "evidence.threshold errors 2.3", "effect errors 0", "effect.bound errors lower -0.01", "events errors all 70", "events errors effective 60"]));
  abort(ada, undefined);
  expect(series()).toEqual([]);
  const ended = [...meter.families()].find(({ instrument }) => instrument === instruments.rollouts);
  expect([...(ended?.series ?? [])].map(({ attributes, value }) => [attributes, value])).toEqual([[{ model: "m", result: "aborted", reason: "person" }, 1]]);
});

// ---- back from a version that went bad ----

const wentBad = { from: "2", to: "1", why: "the accuracy fell when version 2 began" };

test("where what we promoted went bad, its traffic goes back to the primary", async () => {
  const { begin, promote, rollbackVersion, stands, acted } = room();
  await begin();
  promote(ada, undefined);
  promote(ada, undefined);
  await rollbackVersion(wentBad);
  expect(stands()).toBe("aborted rollback nothing");
  expect(acted.at(-1)).toMatchObject({ action: "roll-back", candidateVersion: "2", primaryVersion: "1" });
});

test("where the primary itself serves what went bad, the last known good answers beside it, and the world is told to put it right", async () => {
  const { rollbackVersion, stands, deal, acted, current, world, clock, rolloutSignals } = room({ version: "2" });
  await rollbackVersion(wentBad);
  expect(stands()).toBe("promoted rollback 1");
  expect(deal()).toMatchObject({ candidate: { kind: "server", version: "1" }, weight: 1, judged: false });
  expect(acted).toMatchObject([{ action: "roll-back", candidate: { version: "2" }, candidateVersion: "2", primaryVersion: "1", weight: 0 }]);
  expect(current()).toMatchObject({ startedBy: "pilotfish", primaryVersion: "2", message: "version 1, the last known good, answers all requests; the accuracy fell when version 2 began" });
  expect(rolloutSignals()).toEqual(["promoted rollback 0 1"]);
  world.versions = ["1"];
  clock.advance(1_000);
  expect(deal()).toBeUndefined();
});

test("a rollback of the version that serves goes before a rollout that runs", async () => {
  const { start, rollbackVersion, stands, deal, rolloutSignals } = room({ version: "2", versions: ["1", "2", "3"] });
  await start({ candidate: { version: "3" } }, ada);
  await rollbackVersion(wentBad);
  expect(stands()).toBe("promoted rollback 1");
  expect(deal()?.candidate).toEqual({ kind: "server", version: "1" });
  expect(rolloutSignals().slice(1, 2)).toEqual(["aborted rollback 1 0"]);
});

test("a rollback waits for a person where the config says so, happens once, and not at all where it is only told", async () => {
  const asking = room({ version: "2", modes: { promotion: "automatic", rollback: "approve" } });
  const decide = asking.rollbackVersion(wentBad);
  await asking.rollbackVersion(wentBad);
  expect(asking.deal()).toBeUndefined();
  expect(asking.questions).toMatchObject([{ decision: "rollback", question: "Take version 2 of m back, and let version 1 answer?" }]);
  asking.questions[0]?.answer("do");
  await decide;
  expect(asking.stands()).toBe("promoted rollback 1");

  const told = room({ version: "2", modes: { promotion: "automatic", rollback: "notify" } });
  await told.rollbackVersion(wentBad);
  expect(told.deal()).toBeUndefined();
  expect(told.questions).toHaveLength(1);
});

test("where the last known good can not be had, what serves stays, and it is told", async () => {
  const { rollbackVersion, deal, history } = room({ version: "2", versions: ["2"], load: async () => ({ ok: false, detail: "it answered 404" }) });
  await rollbackVersion(wentBad);
  expect(deal()).toBeUndefined();
  expect(history).toMatchObject([{ result: "failed", from: "2", to: "1", message: "version 1 can not be had, and version 2 stays: it answered 404" }]);
});

test("nothing is left behind when it is closed", async () => {
  const { begin, close, clock, saved, deal } = room();
  await begin();
  clock.advance(3_000);
  close();
  expect(clock.pending).toBe(0);
  expect(saved()).toMatchObject({ savedAtMs: 3_000 });
  expect(deal() satisfies Deal | undefined, "the gateway drains with what it was dealt").toMatchObject({ weight: 0.1 });
});

import { expect, test } from "vitest";
import { monitors, type MonitorsDeps } from "../../agent/monitors/monitors.ts";
import type { Judgement } from "../../agent/judgement.ts";
import type { ExchangeObservation } from "../../agent/observation.ts";
import { buildReference } from "../../detectors/reference/reference.ts";
import { binaryReference, binaryRows } from "./answers.ts";
import { actual, dice, exchange, optionsOf, people, referenceOf, sample, type Row } from "./traffic.ts";

const settings = { score: "probabilities_1", prediction: "label" };
const reference = referenceOf(people(1, 5_000));

/** Monitors on a clock that is turned by hand; a tick each second. */
function watched(source: MonitorsDeps["reference"] = reference, config: unknown = settings) {
  const made = monitors(optionsOf(config), { model: "people", reference: source });
  const judgements: Judgement[] = [];
  const notes: string[] = [];
  const unseen: string[] = [];
  let levels = new Map<string, number>();
  let nowMs = 0;
  let tickedMs = 0;
  const tick = () => {
    const told = made.tick(nowMs, nowMs);
    judgements.push(...told.judgements);
    for (const note of told.notes) (note.includes("may go unseen") ? unseen : notes).push(note);
    levels = new Map(told.points.map(({ instrument, labels, value }) => [`${instrument.name} ${Object.values(labels).slice(1).join(" ")}`, value]));
  };
  const hear = (observation: Parameters<typeof made.hear>[0], afterMs = 5) => {
    nowMs += afterMs;
    made.hear(observation, nowMs, nowMs);
    if (nowMs - tickedMs < 1_000) return;
    tickedMs = nowMs;
    tick();
  };
  let ids = 0;
  const play = (rows: readonly Row[], other: Parameters<typeof sample>[3] = {}, score = () => 0.7) => {
    for (const row of rows) hear(sample(`id-${(ids += 1)}`, [row], [score()], { atWallMs: nowMs, ...other }));
  };
  return { made, judgements, notes, unseen, hear, play, tick, level: (name: string) => (tick(), levels.get(name)), now: () => nowMs };
}

test("sampled requests are decoded and watched; a shifted feature is named", () => {
  const { judgements, play, level } = watched();
  play(people(2, 3_000));
  expect(judgements).toEqual([]);
  play(people(3, 600, { income: 1 }));
  expect(judgements[0]?.message).toMatch(/^people drifted: income/);
  expect(level("pilotfish.analysis.rows analysed")).toBe(3_600);
});

test("features count whoever answered, the score only from the primary", () => {
  const rows = people(1, 5_000);
  const { uniform } = dice(5);
  const score = { name: "probabilities_1", values: rows.map(() => uniform()) };
  const withScore = buildReference({ model: "people", features: Object.keys(rows[0] as Row).map((name) => ({ name, values: rows.map((row) => row[name] as Row[string]) })), score });
  const { judgements, play, level } = watched(withScore);
  play(people(2, 1_000), { rung: "onnx" }, () => 0.99);
  expect(level("pilotfish.drift.evidence score")).toBeUndefined();
  expect(judgements).toEqual([]);
  play(people(3, 500), {}, () => 0.99);
  expect(judgements[0]?.culprits[0]?.name).toBe("score");
});

test("without a reference one is learnt from traffic, which is said, and drift is watched from then on", () => {
  const { judgements, notes, play, level } = watched("learn");
  const { uniform } = dice(9);
  play(people(2, 2_100), {}, uniform);
  expect(notes).toEqual(["learnt what is normal from 2000 rows of traffic: 3 features and the score; drift is watched against that from now on"]);
  expect(level("pilotfish.drift.window.samples ")).toBeGreaterThan(0);
  play(people(3, 3_000), {}, uniform);
  expect(judgements).toEqual([]);
  play(people(4, 600, { age: 15 }), {}, uniform);
  expect(judgements[0]?.culprits[0]?.name).toBe("age");
});

test("a reference of another model is said once, its series are absent, everything else goes on", () => {
  const { judgements, notes, play, hear, level } = watched(referenceOf(people(1, 1_000), "cats"));
  play(people(2, 500, { age: 50 }));
  hear(exchange());
  expect(notes).toEqual(['drift of features is not watched: the reference is of the model "cats", not of "people"']);
  expect(level("pilotfish.drift.evidence all")).toBeUndefined();
  expect(level("pilotfish.analysis.rows no-reference")).toBe(500);
  expect(judgements).toEqual([]);
});

test("a reference whose features never come is said once, its series are absent", () => {
  const { notes, play, level } = watched();
  play(people(2, 300).map(({ age }) => ({ alter: age as number })));
  expect(notes).toEqual(["drift of features is not watched: no request has any feature of the reference; the requests have alter"]);
  expect(level("pilotfish.drift.evidence all")).toBeUndefined();
  expect(level("pilotfish.analysis.rows no-feature")).toBe(300);
});

test("bodies that can not be read are counted by reason and never thrown", () => {
  const { hear, level } = watched();
  const [row] = people(2, 1) as [Row];
  const bodies = ["", "{", "null", "[]", '{"inputs":[]}', '{"inputs":[{"name":"age","shape":[2,1],"datatype":"FP64","data":[1]}]}', '{"inputs":[{"name":"age","shape":[1],"datatype":"FP64","data":[{}]}]}'];
  for (const [i, body] of bodies.entries()) {
    hear(sample(`bad-${i}`, [row], [0.5], { request: Buffer.from(body) }));
    hear(sample(`bad-answer-${i}`, [row], [0.5], { response: Buffer.from(body) }));
  }
  hear(sample("m", [row], [0.5], { model: "cats" }));
  hear(sample("p", [row], [0.5], { protocol: "morse" }));
  hear(sample("rows", [row], [0.5, 0.6]));
  expect(level("pilotfish.analysis.rows request-empty")).toBe(1);
  expect(level("pilotfish.analysis.rows request-not-json")).toBe(1);
  expect(level("pilotfish.analysis.rows request-no-tensors")).toBe(3);
  expect(level("pilotfish.analysis.rows request-shape")).toBe(2);
  expect(level("pilotfish.analysis.rows answer-not-json")).toBe(1);
  expect(level("pilotfish.analysis.rows answer-rows")).toBe(1);
  expect(level("pilotfish.analysis.rows other-model")).toBe(1);
  expect(level("pilotfish.analysis.rows unknown-protocol")).toBe(1);
});

test("an answer without the configured columns is said once with what it has", () => {
  const { notes, play } = watched(reference, { score: "score" });
  play(people(2, 500));
  expect(notes).toEqual(['the answers have no column "score"; they have label, probabilities_0, probabilities_1']);
});

test("late actuals give performance; more mistakes than before are a page", () => {
  const { judgements, hear, level } = watched();
  const { uniform } = dice(3);
  const answer = (count: number, wrong: number, prefix: string) => {
    for (const [i, row] of people(7, count).entries()) {
      const score = uniform();
      const truth = Number(score > 0.5) === 1 ? 1 : 0;
      hear(sample(`${prefix}${i}`, [row], [score], { atWallMs: 0 }));
      hear(actual(`${prefix}${i}`, uniform() < wrong ? 1 - truth : truth));
    }
  };
  answer(3_000, 0.1, "a");
  expect(level("pilotfish.performance accuracy realised")).toBeCloseTo(0.9, 1);
  expect(level("pilotfish.performance roc_auc realised")).toBeGreaterThan(0.8);
  expect(level("pilotfish.actuals joined")).toBe(3_000);
  expect(judgements).toEqual([]);
  answer(1_000, 0.35, "b");
  expect(judgements[0]).toMatchObject({ stream: "mistakes", detector: "adwin", verdict: "drift" });
  expect(judgements[0]?.message).toMatch(/^people: the share of wrong predictions rose from \d/);
});

test("scores of each class are taken from their own columns", () => {
  const { hear, level, notes } = watched(reference, { score: "0=probabilities_0,1=probabilities_1", prediction: "label" });
  const { uniform } = dice(3);
  for (const [i, row] of people(7, 500).entries()) {
    const score = uniform();
    hear(sample(`id-${i}`, [row], [score], { atWallMs: 0 }));
    hear(actual(`id-${i}`, uniform() < score ? 1 : 0));
  }
  expect(level("pilotfish.performance roc_auc realised")).toBeGreaterThan(0.75);
  expect(level("pilotfish.performance ece realised")).toBeLessThan(0.1);
  expect(notes).toEqual([]);
});

test("with a reference that can estimate, performance is known before any actual, and as of when it is", () => {
  const { play, hear, level, unseen, now } = watched({ ...reference, estimator: binaryReference(binaryRows(1, 5_000)).estimator, performance: { accuracy: 0.77 } });
  const { uniform } = dice(3);
  play(people(7, 600), {}, uniform);
  expect(level("pilotfish.performance roc_auc estimated")).toBeGreaterThan(0.5);
  expect(level("pilotfish.performance roc_auc realised")).toBeUndefined();
  expect(level("pilotfish.actuals.waiting ")).toBe(600);
  const answeredMs = now();
  hear(actual("id-600", 1), 1_000);
  expect(level("pilotfish.actuals.lag ")).toBe((now() - answeredMs + 5) / 1_000);
  expect(unseen).toHaveLength(1);
  expect(unseen[0]).toMatch(/^people: what may go unseen within 2,000 rows: .*; with your 5,000 rows with their actuals a rise of the error rate from 23 % to less than \d/);
  expect(level("pilotfish.drift.detectable.change age standard-deviations")).toBeGreaterThan(0);
});

test("seasons are learnt by the samples' own time, and rows judged by it", () => {
  const hourMs = 3_600_000;
  const { made, judgements, hear } = watched("learn", { learn: 4_000 });
  const { normal } = dice(5);
  // By day ages are high, by night low; everything arrives within minutes, as from a queue that was full.
  const playHours = (first: number, count: number) => {
    for (let i = 0; i < count; i += 1) {
      const hour = first + i / 10;
      const age = 40 + 12 * Math.sin((2 * Math.PI * hour) / 24) + 3 * normal();
      hear(sample(`h-${first}-${i}`, [{ age }], [0.5], { atWallMs: hour * hourMs }));
    }
  };
  playHours(0, 4_000);
  expect(made.parts.detectors.snapshot(0)).toMatchObject({ learnt: { season: "hour-of-day" } });
  playHours(408, 2_400);
  expect(judgements.filter(({ stream }) => stream === "features")).toEqual([]);
});

const failed: [string, Partial<ExchangeObservation>][] = [
  ["a 500 from the primary", { outcome: "error", status: 500 }],
  ["an overloaded primary", { outcome: "overloaded", status: 503 }],
  ["an answer from a rung because the primary timed out", { rung: "onnx", reason: "timeout" }],
  ["no answer at all", { rung: "none", reason: "no-rung", outcome: "reset" }],
];

test.each(failed)("%s counts as a failure of the primary", (_, how) => {
  const { judgements, hear } = watched();
  for (let i = 0; i < 3_000; i += 1) hear(exchange());
  for (let i = 0; i < 200; i += 1) hear(exchange(i % 3 === 0 ? how : {}));
  expect(judgements[0]).toMatchObject({ stream: "failures", verdict: "warning" });
  expect(judgements[0]?.message).toMatch(/^people: the share of requests that the primary fails rose from 0 % to \d/);
});

test.each([
  ["a request's own fault", { outcome: "rejected", status: 400 }],
  ["a client that went away", { outcome: "cancelled" }],
  ["a primary that was not asked", { rung: "onnx", reason: "circuit-open" }],
  ["another model", { model: "cats", outcome: "error" }],
  ["metadata", { inference: false, outcome: "error" }],
] satisfies [string, Partial<ExchangeObservation>][])("%s says nothing of the primary", (_, how) => {
  const { judgements, hear } = watched();
  for (let i = 0; i < 3_000; i += 1) hear(exchange());
  for (let i = 0; i < 1_000; i += 1) hear(exchange(how));
  expect(judgements).toEqual([]);
});

test("a slow primary is a warning; a slow rung is not", () => {
  const { judgements, hear } = watched();
  for (let i = 0; i < 3_000; i += 1) hear(exchange({ durationMs: 3 }), 100);
  for (let i = 0; i < 600; i += 1) hear(exchange({ durationMs: 90, rung: "onnx", reason: "circuit-open" }), 100);
  expect(judgements).toEqual([]);
  for (let i = 0; i < 200; i += 1) hear(exchange({ durationMs: 90 }), 100);
  expect(judgements[0]).toMatchObject({ stream: "latency", verdict: "warning" });
});

test("both parts of the state go over a restart, and everything goes on exactly", () => {
  const one = watched();
  const two = watched();
  for (const { play, hear } of [one, two]) {
    play(people(2, 1_000, { age: 3 }));
    for (let i = 0; i < 500; i += 1) hear(exchange({ outcome: i % 50 === 0 ? "error" : "ok" }));
    for (let i = 1; i <= 300; i += 1) hear(actual(`id-${i}`, i % 3 === 0 ? 0 : 1));
  }
  const kept = structuredClone({ detectors: two.made.parts.detectors.snapshot(two.now()), actuals: two.made.parts.actuals.snapshot(two.now()) });
  const three = watched();
  three.hear(exchange({ inference: false }), two.now() - 1); // the clock goes on
  expect(three.made.parts.detectors.restore(kept.detectors, two.now())).toBe("restored");
  expect(three.made.parts.actuals.restore(kept.actuals, two.now())).toBe("restored");
  for (const { play, hear } of [one, three]) {
    play(people(3, 1_000, { age: 3 }));
    for (let i = 301; i <= 600; i += 1) hear(actual(`id-${i}`, 1));
  }
  for (const name of ["drift.evidence age", "drift.distance income psi", "drift.window.samples ", "performance accuracy realised", "performance f1 realised", "performance.bound accuracy realised lower"]) {
    expect(three.level(`pilotfish.${name}`), name).toBe(one.level(`pilotfish.${name}`));
  }
});

test("a learnt reference, and one half learnt, outlive a restart", () => {
  const { uniform } = dice(9);
  const half = watched("learn");
  half.play(people(2, 1_500), {}, uniform);
  const rest = watched("learn");
  expect(rest.made.parts.detectors.restore(structuredClone(half.made.parts.detectors.snapshot(0)), 0)).toBe("restored");
  rest.play(people(3, 600), {}, uniform);
  rest.tick();
  expect(rest.notes).toHaveLength(1);

  const after = watched("learn");
  expect(after.made.parts.detectors.restore(structuredClone(rest.made.parts.detectors.snapshot(0)), 0)).toBe("restored");
  after.play(people(4, 600, { age: 20 }), {}, uniform);
  expect(after.judgements[0]?.culprits[0]?.name).toBe("age");
});

test("a snapshot of another reference, of other options or of something else is foreign: nothing changes", () => {
  const before = watched();
  before.play(people(2, 500));
  const kept: unknown = structuredClone(before.made.parts.detectors.snapshot(0));
  const others = [watched(referenceOf(people(8, 5_000))), watched("learn"), watched(reference, { ...settings, window: 500 })];
  for (const other of others) expect(other.made.parts.detectors.restore(kept, 0)).toBe("foreign");
  for (const junk of [undefined, null, 7, "x", {}, []]) expect(before.made.parts.detectors.restore(junk, 0)).toBe("foreign");
  expect(others[0]?.level("pilotfish.drift.window.samples ")).toBeUndefined();
});

test("answers that an earlier version kept, which knew them by other columns, are foreign", () => {
  const { made, play } = watched();
  play(people(2, 500));
  const { key, ...kept } = structuredClone(made.parts.actuals.snapshot(0)) as { readonly key: string };
  const after = watched().made.parts.actuals;
  expect(after.restore({ ...kept, key: JSON.stringify(JSON.parse(key).with(0, 2)) }, 0)).toBe("foreign");
  expect(after.restore({ ...kept, key }, 0)).toBe("restored");
});

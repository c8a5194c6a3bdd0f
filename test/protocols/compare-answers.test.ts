/** Do two answers say the same: by what the config names, and by what they look like. */
import { expect, test } from "vitest";
import { cameTrue, compareAnswers, type Reading } from "../../agent/protocols/compare-answers.ts";
import { scoreColumns } from "../../agent/protocols/score-columns.ts";
import type { Decoded, Value } from "../../agent/protocols/protocol.ts";

const reading = (own: Partial<Reading> = {}): Reading => ({ prediction: undefined, scores: scoreColumns(undefined), regression: false, freeText: false, tolerance: { score: 0.1, number: 0.05 }, ...own });
const says = (columns: Record<string, readonly Value[]>): Decoded => ({ ok: true, rows: Object.values(columns)[0]?.length ?? 0, columns: Object.entries(columns).map(([name, values]) => ({ name, values })) });
const agreement = (a: Record<string, readonly Value[]>, b: Record<string, readonly Value[]>, own?: Partial<Reading>) => compareAnswers(says(a), says(b), reading(own)).agreement;

test.each<[string, Record<string, readonly Value[]>, Record<string, readonly Value[]>, Partial<Reading>, number | undefined]>([
  ["classes, row by row", { label: [0, 1, 1, 0] }, { label: [0, 1, 0, 0] }, {}, 0.75],
  ["classes that are written otherwise", { label: [1, 0, "cat"] }, { label: [true, "0", "cat"] }, {}, 1],
  ["classes where there are scores too: the classes tell", { label: [1], p: [0.9] }, { label: [1], p: [0.55] }, {}, 1],
  ["the prediction that the config names, whatever else there is", { label: [1], other: [3] }, { label: [1], other: [4] }, { prediction: "label" }, 1],
  ["a single score, within its tolerance", { p: [0.5, 0.5] }, { p: [0.6, 0.61] }, {}, 0.5],
  ["the classes' scores: which is highest", { p_0: [0.6, 0.6], p_1: [0.4, 0.4] }, { p_0: [0.9, 0.45], p_1: [0.1, 0.55] }, {}, 0.5],
  ["the scores that the config names with their classes", { a: [3.5], b: [2] }, { a: [90], b: [7] }, { scores: scoreColumns("cat=a,dog=b") }, 1],
  ["numbers, by ratio", { y: [100.5, 100.5, 0] }, { y: [105, 106, 1e-12] }, {}, 2 / 3],
  ["whole numbers of a regression", { y: [100, 20] }, { y: [104, 22] }, { regression: true }, 0.5],
  ["whole numbers that the rung gives with fractions are numbers", { y: [100] }, { y: [104.5] }, {}, 1],
  ["a missing value is one only if both miss it", { y: [null, null, 1.5] }, { y: [null, 1, null] }, {}, 1 / 3],
  ["an answer of other rows", { y: [1, 2] }, { y: [1] }, {}, 0],
  ["an answer without that column", { y: [1] }, { z: [1] }, {}, 0],
  ["texts of a language model that are the same", { text: ["yes"], completion_tokens: [3] }, { text: ["yes"], completion_tokens: [4] }, { freeText: true }, 1],
  ["and those that are not, which nobody can tell", { text: ["yes"] }, { text: ["certainly"] }, { freeText: true }, undefined],
  ["embeddings are not compared", { embedding_0: [0.1] }, { embedding_0: [0.1] }, { freeText: true }, undefined],
  ["a text that the config says is a class", { text: ["yes"] }, { text: ["no"] }, { freeText: true, prediction: "text" }, 0],
])("%s", (_name, a, b, own, expected) => {
  expect(agreement(a, b, own)).toBe(expected);
});

test("where the primary can not be read there is nothing to compare; a rung that can not be read says something else", () => {
  const unread: Decoded = { ok: false, reason: "not-json" };
  expect(compareAnswers(unread, says({ y: [1] }), reading())).toEqual({ agreement: undefined, difference: undefined, said: undefined });
  expect(compareAnswers(says({ y: [1] }), unread, reading())).toEqual({ agreement: 0, difference: undefined, said: undefined });
});

test("the mean difference is of the scores that are configured, else of all that is no class", () => {
  const [a, b] = [says({ label: [1, 0], p: [0.5, 0.75], q: [10.5, 10.5] }), says({ label: [0, 0], p: [0.25, 0.5], q: [11.5, 11.5] })];
  expect(compareAnswers(a, b, reading({ scores: scoreColumns("p") })).difference).toBe(0.25);
  expect(compareAnswers(a, b, reading()).difference).toBe(0.625);
});

test("what was predicted came true: as a class however it is written, as a number within the tolerance; a score from a half on is the class 1", () => {
  expect([cameTrue(1, true, reading()), cameTrue("cat", "dog", reading()), cameTrue(99.5, 100, reading()), cameTrue(90, 100, reading({ regression: true }))]).toEqual([true, false, true, false]);
  expect(compareAnswers(says({ p: [0.5, 0.4] }), says({ p: [0.9, 0.1] }), reading()).said).toEqual({ primary: [1, 0], rung: [1, 0] });
});

import { expect, test } from "vitest";
import { halfSpaceTrees, type HalfSpaceTreesState } from "../../../detectors/anomaly/half-space-trees.ts";
import { chance, gaussian } from "../chance.ts";

const features = 16;

/** Rows of two crowds; one in a hundred strays in all features and lies off in four. */
function planted(n: number, seed: number): { rows: Float64Array[]; odd: boolean[] } {
  const next = chance(seed);
  const odd: boolean[] = [];
  const rows = Array.from({ length: n }, () => {
    const strange = next() < 0.01;
    odd.push(strange);
    const crowd = next() < 0.5 ? 0 : 3;
    const shared = 0.7 * gaussian(next);
    return Float64Array.from({ length: features }, (_, k) => crowd + shared + gaussian(next) * (strange ? 2.2 : 1) + (strange && k % 4 === 0 ? 3 : 0));
  });
  return { rows, odd };
}

/** Chance that an odd row scores above an ordinary one. */
function rankedRight(scores: readonly number[], odd: readonly boolean[]): number {
  const order = scores.map((_, i) => i).sort((a, b) => (scores[a] as number) - (scores[b] as number));
  const n = odd.filter(Boolean).length;
  const rankSum = order.reduce((sum, row, rank) => sum + (odd[row] ? rank + 1 : 0), 0);
  return (rankSum - (n * (n + 1)) / 2) / (n * (scores.length - n));
}

test("planted rows stand out: 0.95 and more, as river 0.23's trees of the same size have on such rows (0.954)", () => {
  const { rows, odd } = planted(8_000, 3);
  const trees = halfSpaceTrees({ features });
  let state = trees.start();
  const scores = rows.map((row) => {
    const score = trees.score(state, row);
    state = trees.step(state, row);
    return score;
  });
  expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true);
  expect(rankedRight(scores.slice(1_000), odd.slice(1_000))).toBeGreaterThan(0.95);
});

test("no row is lost: a node holds what its two halves hold, a root the window", () => {
  const height = 6;
  const window = 100;
  const trees = halfSpaceTrees({ features: 3, trees: 7, height, window, limits: [[0, 1], [0, 1], [0, 1]] });
  const next = chance(8);
  let state = trees.start();
  for (let row = 0; row < 330; row += 1) state = trees.step(state, [next(), gaussian(next), 5 * next()]);
  const nodes = 2 ** (height + 1) - 1;
  for (const [masses, rows] of [[state.settled, window], [state.counting, 30]] as const) {
    for (let tree = 0; tree < 7; tree += 1) {
      const at = (node: number): number => masses[tree * nodes + node] as number;
      expect(at(0)).toBe(rows);
      for (let node = 0; node < (nodes - 1) / 2; node += 1) expect(at(node)).toBe(at(2 * node + 1) + at(2 * node + 2));
    }
  }
});

test("rows spread evenly have the density of the box; a crowd scores lower, nobody's land near 1", () => {
  const limits = [[0, 1], [0, 1]] as const;
  const height = 8;
  const next = chance(4);
  const filled = (value: () => number): [ReturnType<typeof halfSpaceTrees>, HalfSpaceTreesState] => {
    const trees = halfSpaceTrees({ features: 2, limits, window: 1_000, trees: 100, height });
    let state = trees.start();
    for (let row = 0; row < 1_000; row += 1) state = trees.step(state, [value(), value()]);
    return [trees, state];
  };
  const [spread, spreadState] = filled(() => 3 * next() - 1);
  const density = 2 ** (height * (1 - spread.score(spreadState, [0.5, 0.5]))) - 1;
  expect(density).toBeGreaterThan(0.7);
  expect(density).toBeLessThan(1.7);
  const [crowd, crowdState] = filled(() => 0.5 + 0.05 * gaussian(next));
  expect(crowd.score(crowdState, [0.5, 0.5])).toBeLessThan(0.4);
  expect(crowd.score(crowdState, [0, 1])).toBeGreaterThan(0.9);
});

test("limits that are learnt serve features of any unit", () => {
  const trees = halfSpaceTrees({ features: 3 });
  const next = chance(6);
  let state = trees.start();
  for (let row = 0; row < 750; row += 1) state = trees.step(state, [1e9 * (1 + 0.01 * gaussian(next)), 1e-6 * gaussian(next), 4]);
  const usual = trees.score(state, [1e9, 0, 4]);
  expect(trees.score(state, [1e9, 1e-5, 4])).toBeGreaterThan(usual + 0.03);
  expect(trees.score(state, [2e9, 0, 4])).toBeGreaterThan(usual + 0.03);
  expect(trees.score(state, [1e9, 0, 5])).toBeGreaterThan(usual + 0.03);
});

test("same seed, same trees; the state survives a copy at any moment", () => {
  const { rows } = planted(900, 5);
  const [one, two] = [halfSpaceTrees({ features, seed: 11 }), halfSpaceTrees({ features, seed: 11 })];
  let [a, b] = [one.start(), two.start()];
  for (const [i, row] of rows.entries()) {
    if (i % 97 === 0) b = structuredClone(b);
    expect(two.score(b, row)).toBe(one.score(a, row));
    a = one.step(a, row);
    b = two.step(b, row);
  }
  const other = halfSpaceTrees({ features, seed: 12 });
  let c = other.start();
  for (const row of rows) c = other.step(c, row);
  expect(other.score(c, rows[0] as Float64Array)).not.toBe(one.score(a, rows[0] as Float64Array));
});

test("bad rows and options are refused by name, the state untouched", () => {
  const trees = halfSpaceTrees({ features: 2 });
  const state = trees.start();
  expect(() => trees.step(state, [1])).toThrow("halfSpaceTrees: expected a row of 2 numbers, got 1");
  expect(() => trees.step(state, [1, Number.NaN])).toThrow("halfSpaceTrees: expected finite numbers, got NaN at 1");
  expect(state).toEqual(trees.start());
  expect(() => halfSpaceTrees({ features: 0 })).toThrow("halfSpaceTrees: features must be a whole number from 1 to 65535, got 0");
  expect(() => halfSpaceTrees({ features: 2, limits: [[0, 1]] })).toThrow("halfSpaceTrees: limits must have 2 entries, one a feature, got 1");
  expect(() => halfSpaceTrees({ features: 1, limits: [[1, 0]] })).toThrow("halfSpaceTrees: limits must be finite and ascending, got 1 and 0");
});

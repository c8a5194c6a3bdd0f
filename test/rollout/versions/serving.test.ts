import { expect, test } from "vitest";
import { isChange, isSame, noneServes, reduce, type ServingEvent, type ServingState } from "../../../agent/rollout/versions/serving.ts";
import { dice } from "../../monitors/traffic.ts";

const startWallMs = Date.UTC(2026, 0, 1);
const a = `sha256:${"a".repeat(64)}`;
const b = `sha256:${"b".repeat(64)}`;

/** What is told, at so many milliseconds. */
function play(events: Iterable<readonly [number, ServingEvent]>) {
  let state: ServingState = noneServes(0);
  const changes: string[] = [];
  for (const [atMs, event] of events) {
    const before = state.current;
    state = reduce(state, event, atMs, startWallMs + atMs);
    const { current } = state;
    if (before !== undefined && current !== undefined && !isSame(before, current) && isChange(before, current)) changes.push(`${atMs / 1_000}s ${current.version} ${current.digest?.slice(7, 8) ?? "-"} ${current.reference ?? "-"}`);
  }
  return { current: state.current, changes, state };
}

const answered = (version: string): ServingEvent => ({ type: "answered", version });
const described = (versions: readonly string[], digest?: string): ServingEvent => ({ type: "described", versions, digest });

/** One answer every so many milliseconds. */
const answers = (version: string, fromMs: number, count: number, everyMs = 1_000) => Array.from({ length: count }, (_, i) => [fromMs + i * everyMs, answered(version)] as const);

test("the first version that answers serves at once; another one once it has answered twenty times in a row", () => {
  const { changes, current } = play([...answers("1", 0, 3), ...answers("2", 3_000, 20)]);
  expect(changes).toEqual(["22s 2 - -"]);
  expect(current).toMatchObject({ version: "2", seenWallMs: startWallMs + 3_000, sinceWallMs: startWallMs + 22_000 });
});

test("a burst is not enough: what is told must be told for five seconds", () => {
  expect(play([...answers("1", 0, 3), ...answers("2", 3_000, 500, 1)]).changes).toEqual([]);
  expect(play([...answers("1", 0, 3), ...answers("2", 3_000, 5_001, 1)]).changes).toEqual(["8s 2 - -"]);
});

test("replicas that answer with versions 1 and 2 by turns are no change at all", () => {
  const turns = Array.from({ length: 100_000 }, (_, i) => [i * 10, answered(i % 2 === 0 ? "1" : "2")] as const);
  expect(play(turns).changes).toEqual([]);
});

test("of a lasting mixture at random the majority serves, and a day of it makes a handful of changes", () => {
  for (const share of [0.5, 0.8, 0.95]) {
    const { uniform } = dice(7);
    const mixed = Array.from({ length: 864_000 }, (_, i) => [i * 100, answered(uniform() < share ? "2" : "1")] as const);
    const { changes, current } = play(mixed);
    expect(changes.length, `share ${share}`).toBeLessThan(8);
    if (share > 0.9) expect(current?.version).toBe("2");
  }
});

test("while replicas are replaced one by one, the change began with the first answer of the new version", () => {
  const { uniform } = dice(3);
  const rolling = Array.from({ length: 6_000 }, (_, i) => [60_000 + i * 100, answered(uniform() < i / 6_000 ? "2" : "1")] as const);
  const { changes, current } = play([...answers("1", 0, 60), ...rolling, ...answers("2", 660_000, 100, 100)]);
  expect(changes.at(-1)).toMatch(/ 2 - -$/);
  const first = rolling.find(([, event]) => event.type === "answered" && event.version === "2");
  expect(current?.seenWallMs).toBe(startWallMs + (first?.[0] as number));
});

test("an idle server's new version is known by its own description, told twice", () => {
  const { changes } = play([[0, described(["1"], a)], [60_000, described(["1"], a)], [120_000, described(["2"], b)], [123_000, described(["2"], b)], [126_000, described(["2"], b)]]);
  expect(changes).toEqual(["126s 2 b -"]);
});

test("of several versions only an answer tells which one serves", () => {
  const { current } = play([[0, described(["1", "2"], a)]]);
  expect(current?.version).toBeUndefined();
  expect(play([[0, described(["1", "2"], a)], [10, answered("2")]]).current).toMatchObject({ version: "2", digest: a });
});

test("the same version under another digest is a change: its artefact was replaced", () => {
  const { changes, current } = play([[0, described(["1"], a)], [60_000, described(["1"], b)], [65_000, described(["1"], b)]]);
  expect(changes).toEqual(["65s 1 b -"]);
  expect(current?.seenWallMs).toBe(startWallMs + 60_000);
});

test("version and digest that change together are one change, whichever is told first", () => {
  const digestFirst = play([[0, described(["1", "2"], a)], ...answers("1", 10, 5), [10_000, described(["1", "2"], b)], ...answers("2", 11_000, 20), [60_000, described(["1", "2"], b)]]);
  expect(digestFirst.changes).toEqual(["30s 2 b -"]);
  const versionFirst = play([[0, described(["1", "2"], a)], ...answers("1", 10, 5), ...answers("2", 11_000, 20), [60_000, described(["1", "2"], b)]]);
  expect(versionFirst.changes).toEqual(["30s 2 - -"]);
  expect(versionFirst.current?.digest).toBe(b);
});

test("two replicas with different artefacts of one version do not change by each description", () => {
  const { uniform } = dice(11);
  const told = Array.from({ length: 10_000 }, (_, i) => [i * 6_000, described(["1"], uniform() < 0.5 ? a : b)] as const);
  expect(play(told).changes.length).toBeLessThan(60);
});

test("another reference is a change at once, the first one is none", () => {
  const { changes } = play([[0, answered("1")], [1, { type: "reference", digest: "r1" }], [2, { type: "reference", digest: "r1" }], [3, { type: "reference", digest: "r2" }]]);
  expect(changes).toEqual(["0.003s 1 - r2"]);
});

test("a server that tells no version is held against its reference all the same", () => {
  expect(play([[0, described([])], [1, { type: "reference", digest: "r1" }], [2, { type: "reference", digest: "r2" }]]).changes).toEqual(["0.002s undefined - r2"]);
});

test("what nobody new is told of leaves the state as it is", () => {
  const { state } = play([[0, answered("1")]]);
  expect(reduce(state, answered("1"), 5, 5)).toBe(state);
});

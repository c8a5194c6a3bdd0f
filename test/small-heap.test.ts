import { expect, test } from "vitest";
import { keepHeapSmall } from "../agent/small-heap.ts";

const small = ["--semi-space-growth-factor=1", "--optimize-for-size"];
const free = ["--semi-space-growth-factor=2", "--no-optimize-for-size"];

function runtime() {
  const flags: string[] = [];
  let tell: ((begunMs: readonly number[]) => void) | undefined;
  const started = keepHeapSmall({
    setFlags: (flag) => void flags.push(flag),
    onCollections(told) {
      tell = told;
      return () => (tell = undefined);
    },
  });
  /** One told after another. */
  const collect = (...begunMs: readonly number[]) => begunMs.forEach((ms) => tell?.([ms]));
  return { flags, started, collect, collectAtOnce: (begunMs: readonly number[]) => tell?.(begunMs), isWatched: () => tell !== undefined };
}

/** So many, so many milliseconds apart. */
function collections(count: number, apartMs: number, fromMs = 0): readonly number[] {
  return Array.from({ length: count }, (_, i) => fromMs + i * apartMs);
}

test("the heap is kept small from the first moment, and what the start itself collects does not count", () => {
  const { flags, started, isWatched } = runtime();
  expect(flags).toEqual(small);
  expect(isWatched()).toBe(false);
  started();
  expect(isWatched()).toBe(true);
  expect(flags).toEqual(small);
});

test("however long it runs, it stays small while collections are rare", () => {
  const { flags, started, collect } = runtime();
  started();
  collect(...collections(1_000, 53));
  expect(flags).toEqual(small);
});

test("twenty collections within a second let it grow, once, and nobody watches any more", () => {
  const { flags, started, collect, isWatched } = runtime();
  started();
  collect(...collections(19, 10));
  expect(flags).toEqual(small);
  collect(1_000);
  expect(flags).toEqual([...small, ...free]);
  expect(isWatched()).toBe(false);
});

test("a burst after a long rest counts by itself, and told at once as well", () => {
  const { flags, started, collect, collectAtOnce } = runtime();
  started();
  collect(...collections(100, 1_000));
  collectAtOnce(collections(19, 1, 200_000));
  expect(flags).toEqual(small);
  collectAtOnce(collections(21, 1, 200_019));
  expect(flags).toEqual([...small, ...free]);
});

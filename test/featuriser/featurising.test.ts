/** The queue before a featuriser: order, bounds, and what goes wrong. The model is played by hand. */
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Featuriser } from "../../agent/featuriser/featuriser.ts";
import { Featurising, type Bounds } from "../../agent/featuriser/featurising.ts";

interface Item {
  readonly name: string;
  readonly rows: number;
  readonly columns: ReadonlyMap<string, readonly number[]>;
}

function itemOf(name: string, rows = 1): Item {
  return { name, rows, columns: new Map([["x", Array.from({ length: rows }, () => 1)]]) };
}

/** A featuriser that answers when it is told to. */
function byHand(bounds?: Bounds, origin: Featuriser["origin"] = { digest: "0", kind: "autoencoder", columns: ["x"] }) {
  const told: string[] = [];
  const asked: { answer: () => void; refuse: (why: string) => void }[] = [];
  const refused = { rows: 0, why: "" };
  let closed = false;
  let load: (featuriser: Featuriser) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const featuriser: Featuriser = {
    origin,
    names: ["error"],
    features: (columns, rows) => new Promise((resolve, reject) => asked.push({ answer: () => resolve([{ name: "error", values: Array.from({ length: rows }, () => 0) }]), refuse: (why) => reject(new Error(why)) })),
    refused: () => refused,
    close: () => Promise.resolve(void (closed = true)),
  };
  const featurising = new Featurising<Item>(
    {
      open: () => new Promise((resolve, reject) => ([load, fail] = [resolve, reject])),
      refuse: ({ digest }) => (digest === "other" ? "made otherwise" : undefined),
      done: ({ name }, derived) => void told.push(derived === undefined ? `${name} without` : name),
      failed: (why) => void told.push(`failed: ${why}`),
      off: (why) => void told.push(`off: ${why}`),
    },
    bounds,
  );
  return {
    featurising, told, asked, refused,
    hear: (...names: string[]) => names.forEach((name) => featurising.hear(itemOf(name))),
    load: async () => (load(featuriser), await turn()),
    fail: async (why: string) => (fail(new Error(why)), await turn()),
    answer: async () => (asked.shift()?.answer(), await turn()),
    refuse: async (why: string) => (asked.shift()?.refuse(why), await turn()),
    closed: () => closed,
  };
}

test("rows wait for the model to be loaded, and then go through it one after another, in their order", async () => {
  const { hear, told, load, answer, asked } = byHand();
  hear("a", "b");
  await load();
  expect({ told, asked: asked.length }).toMatchObject({ told: [], asked: 1 });
  await answer();
  hear("c");
  await answer();
  await answer();
  expect(told).toEqual(["a", "b", "c"]);
});

test("beyond the bounds the oldest are handed on without, at once, and counted", async () => {
  const few = byHand({ items: 2, values: 1_000 });
  few.hear("a", "b", "c", "d");
  expect(few.told).toEqual(["a without", "b without"]);
  expect(few.featurising.dropped).toBe(2);

  const wide = byHand({ items: 100, values: 10 });
  wide.featurising.hear(itemOf("a", 4));
  wide.featurising.hear(itemOf("b", 6));
  wide.featurising.hear(itemOf("c", 2));
  expect(wide.told).toEqual(["a without"]);
  await wide.load();
  await wide.answer();
  wide.featurising.hear(itemOf("larger than the bound", 11));
  expect(wide.told).toEqual(["a without", "b"]);
  await wide.answer();
  await wide.answer();
  expect(wide.told).toEqual(["a without", "b", "c", "larger than the bound"]);
});

test("rows that it makes nothing of are handed on without and counted; the next ones go on", async () => {
  const { hear, told, load, answer, refuse, featurising } = byHand();
  await load();
  hear("a", "b");
  await refuse("no such column");
  await answer();
  expect(told).toEqual(["failed: no such column", "a without", "b"]);
  expect(featurising.failedRows).toBe(1);
});

test("rows of which the model refused some are handed on with the rest, and those counted", async () => {
  const { told, load, answer, refused, featurising } = byHand();
  await load();
  featurising.hear(itemOf("a", 3));
  Object.assign(refused, { rows: 2, why: "out of range" });
  await answer();
  expect(told).toEqual(["failed: the featuriser refuses rows: out of range", "a"]);
  expect(featurising.failedRows).toBe(2);
});

test("a model that can not be loaded, or must not be used, holds nothing up", async () => {
  const unloadable = byHand();
  unloadable.hear("a");
  await unloadable.fail("no such file");
  unloadable.hear("b");
  expect(unloadable.told).toEqual(["off: no such file", "a without", "b without"]);
  expect(unloadable.featurising.on).toBe(false);

  const strange = byHand(undefined, { digest: "other", kind: "autoencoder", columns: ["x"] });
  strange.hear("a");
  await strange.load();
  expect(strange.told).toEqual(["off: made otherwise", "a without"]);
  expect(strange.closed()).toBe(true);
});

test("who must wait until all are through is told then, or when it is stopped", async () => {
  const { hear, load, answer, featurising } = byHand();
  expect(featurising.drained()).toBeUndefined();
  hear("a", "b");
  let drained = false;
  void featurising.drained()?.then(() => (drained = true));
  await load();
  await answer();
  expect(drained).toBe(false);
  await answer();
  expect({ drained, now: featurising.drained() }).toEqual({ drained: true, now: undefined });

  hear("c");
  const stopped = featurising.drained();
  featurising.stop();
  await stopped;
  expect(featurising.drained()).toBeUndefined();
});

test("when it is stopped, what waits and what the model has in hand is handed on, once, and the model is let go", async () => {
  const { hear, told, load, answer, featurising, closed } = byHand();
  await load();
  hear("a", "b");
  featurising.stop();
  await answer();
  expect(told).toEqual(["a without", "b without"]);
  expect(closed()).toBe(true);

  const early = byHand();
  early.featurising.stop();
  await early.load();
  expect(early.closed()).toBe(true);
});

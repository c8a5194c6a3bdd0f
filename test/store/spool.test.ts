/** Batches that wait in the state file. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { silent } from "../../agent/log.ts";
import { openStore, type Store } from "../../agent/store/store.ts";
import type { Batch } from "../../exporters/otlp/spool.ts";

const batch = (number: number, bytes: number = 100): Batch => ({ body: new Uint8Array(bytes).fill(number), items: number });

function file(): string {
  const folder = mkdtempSync(join(tmpdir(), "spool-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "state.db");
}

function open(path: string, spoolMax: number = 1_000, lost: [string, number][] = []): Store {
  return openStore({ path, eventsMax: 10 }, { log: silent, wallMs: () => 0, spoolMax, spoolLost: (lane, items) => void lost.push([lane, items]) });
}

function drain({ spool }: Store, lane: "metrics" | "traces" | "logs"): number[] {
  const found: number[] = [];
  for (let next = spool.oldest(lane); next !== undefined; next = spool.oldest(lane)) {
    found.push(next.items);
    spool.remove(next.id);
  }
  return found;
}

test("each lane gives back in order what it was given, after a restart too", () => {
  const path = file();
  const before = open(path);
  for (const [lane, number] of [["metrics", 1], ["traces", 2], ["metrics", 3], ["metrics", 4]] as const) before.spool.add(lane, batch(number));
  before.spool.remove(before.spool.oldest("metrics")?.id ?? -1);
  before.close();
  const after = open(path);
  after.spool.add("metrics", batch(5));
  expect(after.spool.oldest("metrics")?.body).toEqual(new Uint8Array(100).fill(3));
  expect([drain(after, "metrics"), drain(after, "traces"), drain(after, "logs")]).toEqual([[3, 4, 5], [2], []]);
  after.close();
});

test("beyond the bound the oldest of any lane goes, and what went is told", () => {
  const lost: [string, number][] = [];
  const store = open(file(), 1_000, lost);
  store.spool.add("traces", batch(1, 400));
  store.spool.add("metrics", batch(2, 400));
  store.spool.add("metrics", batch(3, 400));
  store.spool.add("logs", batch(4, 1_001));
  expect(lost).toEqual([["traces", 1], ["metrics", 2], ["metrics", 3], ["logs", 4]]);
  store.spool.add("metrics", batch(5, 1_000));
  expect(drain(store, "metrics")).toEqual([5]);
  store.close();
});

test("a bound that was lowered holds from the next start on; without one nothing is kept", () => {
  const path = file();
  const before = open(path);
  for (let i = 1; i <= 4; i += 1) before.spool.add("metrics", batch(i));
  before.close();
  const lost: [string, number][] = [];
  const after = open(path, 250, lost);
  expect([lost, drain(after, "metrics")]).toEqual([[["metrics", 1], ["metrics", 2]], [3, 4]]);
  after.close();
});

test("the file does not grow while batches come and go", () => {
  const path = file();
  const store = open(path, 100_000);
  const sizes: number[] = [];
  for (let i = 1; i <= 400; i += 1) {
    store.spool.add("metrics", batch(i, 10_000));
    if (i % 100 === 0) sizes.push(statSync(path).size);
  }
  expect(sizes.at(-1)).toBeLessThan(400_000);
  store.close();
});

test("removing what is not there changes nothing", () => {
  const store = open(file());
  store.spool.add("metrics", batch(1));
  store.spool.remove(77);
  expect(drain(store, "metrics")).toEqual([1]);
  store.close();
});

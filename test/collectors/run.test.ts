import { expect, test } from "vitest";
import type { Collector, Reading } from "../../agent/collectors/collector.ts";
import { runCollector } from "../../agent/collectors/run.ts";
import type { ReadingObservation } from "../../agent/observation.ts";
import { FakeClock } from "../fake-clock.ts";

const ok: Reading = { status: "ok", detail: "", points: [] };

function play(clock: FakeClock, read: () => Promise<Reading>, rest: Partial<Collector> = {}) {
  const heard: string[] = [];
  const observe = (seen: unknown) => heard.push(`${clock.monotonicMs()} ${(seen as ReadingObservation).status} ${(seen as ReadingObservation).detail}`.trim());
  const close = runCollector("disk", { intervalMs: 2_000, timeoutMs: 1_000, read, ...rest }, { clock, observe });
  return { heard, close };
}

const after = (clock: FakeClock, delayMs: number): Promise<Reading> => new Promise((resolve) => clock.after(delayMs, () => resolve(ok)));

test("a collector is read at the start and at each interval", async () => {
  const clock = new FakeClock();
  const { heard } = play(clock, () => after(clock, 10));
  await clock.advanceAsync(4_100, 10);
  expect(heard).toEqual(["10 ok", "2010 ok", "4010 ok"]);
});

test("one that hangs is unknown after its time; it is not read again before it has ended, and what comes late is not told", async () => {
  const clock = new FakeClock();
  let reads = 0;
  const { heard } = play(clock, () => after(clock, (reads += 1) === 1 ? 7_500 : 10));
  await clock.advanceAsync(8_100, 10);
  expect(heard).toEqual(["1000 unknown no reading within 1000ms", "8010 ok"]);
  expect(reads).toBe(2);
});

test("one that throws is unknown, and is read again", async () => {
  const clock = new FakeClock();
  const { heard } = play(clock, async () => {
    await after(clock, 10);
    throw new Error("oops");
  });
  await clock.advanceAsync(2_100, 10);
  expect(heard).toEqual(["10 unknown the collector is broken: Error: oops", "2010 unknown the collector is broken: Error: oops"]);
});

test("closing closes what the collector opened, and nothing is told any more", async () => {
  const clock = new FakeClock();
  let opened = false;
  const { heard, close } = play(clock, () => after(clock, 500), { open: () => ((opened = true), () => void (opened = false)) });
  expect(opened).toBe(true);
  await close();
  await clock.advanceAsync(10_000, 100);
  expect(heard).toEqual([]);
  expect(opened).toBe(false);
  expect(clock.pending).toBe(0);
});

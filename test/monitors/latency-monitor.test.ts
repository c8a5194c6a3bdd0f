import { expect, test } from "vitest";
import { LatencyMonitor } from "../../agent/monitors/latency-monitor.ts";
import type { Judgement } from "../../agent/judgement.ts";
import { dice } from "./traffic.ts";

function watched() {
  const told: Judgement[] = [];
  const monitor = new LatencyMonitor({ model: "m", delta: 0.5, lambda: 10, clear: 600_000 }, (judgement) => told.push(judgement));
  const { normal } = dice(11);
  let nowMs = 0;
  /** Twenty answers a second around `ms`, spread as latencies are. */
  const play = (ms: number, seconds: number) => {
    for (let i = 0; i < seconds * 20; i += 1) {
      nowMs += 50;
      monitor.push(ms * Math.exp(0.4 * normal()), nowMs, nowMs);
      if (i % 20 === 19) monitor.tick(nowMs, nowMs);
    }
  };
  return { monitor, told, play, now: () => nowMs };
}

test("an hour of steady latency: no warning", () => {
  const { told, play } = watched();
  play(3, 3_600);
  expect(told).toEqual([]);
});

test("ten times slower is a warning within ten seconds, with both latencies", () => {
  const { told, play } = watched();
  play(3, 300);
  play(30, 10);
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({ stream: "latency", detector: "page-hinkley", verdict: "warning" });
  expect(told[0]?.message).toMatch(/^m: the median latency rose from (2\.\d+|3(\.\d+)?) ms to (1|2|3)\d/);
});

test("after an hour of steady latency, twice as slow is a warning about a minute later", () => {
  const { told, play } = watched();
  play(3, 3_600);
  play(6, 120);
  expect(told[0]?.verdict).toBe("warning");
  expect(told[0]?.atWallMs).toBeLessThan(3_670_000);
});

test("one or two odd seconds, however slow, never warn", () => {
  const { told, play } = watched();
  play(3, 100);
  for (let i = 0; i < 3; i += 1) {
    play(30_000, 2);
    play(3, 120);
  }
  expect(told).toEqual([]);
});

test("the warning holds while it stays slow and ends ten minutes after it got well", () => {
  const { told, play, now } = watched();
  play(3, 300);
  play(30, 1_800);
  expect(told.at(-1)?.verdict).toBe("warning");
  const wellMs = now();
  play(3, 700);
  expect(told.at(-1)?.verdict).toBe("stable");
  expect(told.at(-1)?.atWallMs).toBeLessThan(wellMs + 620_000);
});

import { expect, test } from "vitest";
import { RateMonitor } from "../../agent/monitors/rate-monitor.ts";
import type { Judgement } from "../../agent/judgement.ts";
import { dice } from "./traffic.ts";

function watched() {
  const told: Judgement[] = [];
  const monitor = new RateMonitor({ model: "m", stream: "failures", verdict: "warning", riseMin: 0.005, what: "the share of failures", clear: 600_000 }, (judgement) => told.push(judgement));
  const { uniform } = dice(7);
  let nowMs = 0;
  /** Ten values a second. */
  const play = (rate: number, count: number) => {
    for (let i = 0; i < count; i += 1) {
      nowMs += 100;
      monitor.push(uniform() < rate ? 1 : 0, nowMs, nowMs);
      if (i % 10 === 9) monitor.tick(nowMs, nowMs);
    }
  };
  return { monitor, told, play, now: () => nowMs };
}

test("100,000 exchanges at a steady 2 % of failures: no warning", () => {
  const { told, play } = watched();
  play(0.02, 100_000);
  expect(told).toEqual([]);
});

test("failures that rise from 1 % to 10 % are a warning with both rates", () => {
  const { told, play } = watched();
  play(0.01, 5_000);
  play(0.1, 500);
  expect(told[0]).toMatchObject({ stream: "failures", detector: "adwin", verdict: "warning" });
  const [, from, to] = /rose from ([\d.]+) % to ([\d.]+) %/.exec(told[0]?.message ?? "") ?? [];
  expect(Number(from)).toBeGreaterThan(0.5);
  expect(Number(from)).toBeLessThan(2);
  expect(Number(to)).toBeGreaterThan(5);
});

test("failures that fall are good news", () => {
  const { told, play } = watched();
  play(0.3, 3_000);
  play(0.01, 3_000);
  expect(told).toEqual([]);
});

test("the warning holds while the rate stays up and ends ten minutes after it came down", () => {
  const { told, play, now } = watched();
  play(0.01, 5_000);
  play(0.2, 20_000); // 33 minutes
  expect(told.every(({ verdict }) => verdict === "warning")).toBe(true);
  expect(told.length).toBeGreaterThan(10);
  const downMs = now();
  play(0.01, 12_000);
  expect(told.at(-1)?.verdict).toBe("stable");
  expect(told.at(-1)?.atWallMs).toBeGreaterThanOrEqual(downMs + 600_000);
  expect(told.at(-1)?.atWallMs).toBeLessThan(downMs + 700_000);
});

test("a handful of failures after long health is no rise", () => {
  const { told, play } = watched();
  play(0, 20_000);
  play(1, 3);
  play(0, 5_000);
  expect(told).toEqual([]);
});

import { expect, test } from "vitest";
import { silent } from "../../agent/log.ts";
import type { ProbeObservation } from "../../agent/observation.ts";
import { failed, passed, type Probe } from "../../agent/probes/probe.ts";
import { runProbe } from "../../agent/probes/run.ts";
import { FakeClock } from "../fake-clock.ts";

/** A probe that takes `tookMs` for each of these answers in turn, and stays with the last one. */
function probeOf(clock: FakeClock, answers: readonly ("pass" | "fail")[], tookMs: number, repeats = true): Probe & { asking: number; askingMost: number } {
  let turn = 0;
  const probe = {
    name: "http" as const,
    intervalMs: 1_000,
    repeats,
    asking: 0,
    askingMost: 0,
    ask: () =>
      new Promise<ProbeObservation>((resolve) => {
        probe.asking += 1;
        probe.askingMost = Math.max(probe.askingMost, probe.asking);
        const answer = answers[Math.min(turn, answers.length - 1)];
        turn += 1;
        clock.after(tookMs, () => {
          probe.asking -= 1;
          resolve(answer === "pass" ? passed("http", tookMs, "") : failed("http", "timeout", tookMs, ""));
        });
      }),
  };
  return probe;
}

async function play(answers: readonly ("pass" | "fail")[], tookMs: number, forMs: number, repeats = true) {
  const clock = new FakeClock();
  const heard: string[] = [];
  const probe = probeOf(clock, answers, tookMs, repeats);
  const close = runProbe(probe, { clock, log: silent, observe: (seen) => heard.push(`${clock.monotonicMs()} ${seen.kind === "probe" ? seen.verdict : ""}`) });
  await clock.advanceAsync(forMs, 10);
  return { clock, heard, probe, close };
}

test("it asks at the start and then at each interval", async () => {
  expect((await play(["pass"], 10, 2_500)).heard).toEqual(["10 pass", "1010 pass", "2010 pass"]);
});

test("a failure after a good answer is asked about again at once, and each answer is told", async () => {
  expect((await play(["pass", "fail", "fail", "fail"], 10, 3_500)).heard).toEqual(["10 pass", "1010 fail", "1020 fail", "2010 fail", "3010 fail"]);
});

test("a failure that the second question does not confirm is told as it was", async () => {
  expect((await play(["pass", "fail", "pass"], 10, 1_500)).heard).toEqual(["10 pass", "1010 fail", "1020 pass"]);
});

test("a probe that does not repeat waits for its interval", async () => {
  expect((await play(["pass", "fail"], 10, 1_500, false)).heard).toEqual(["10 pass", "1010 fail"]);
});

test("a slow probe is never asked twice at once: the intervals that pass meanwhile are let go", async () => {
  const { heard, probe } = await play(["pass"], 2_300, 7_000);
  expect(heard).toEqual(["2300 pass", "5300 pass"]);
  expect(probe.askingMost).toBe(1);
});

test("after closing nothing is told, and nothing waits any more", async () => {
  const { clock, heard, close } = await play(["pass"], 500, 1_100);
  expect(heard).toEqual(["500 pass"]);
  await close();
  await clock.advanceAsync(5_000, 100);
  expect(heard).toEqual(["500 pass"]);
  expect(clock.pending).toBe(0);
});

test("a probe that throws is unknown, and is asked again", async () => {
  const clock = new FakeClock();
  const heard: ProbeObservation[] = [];
  const broken: Probe = { name: "http", intervalMs: 1_000, repeats: true, ask: () => Promise.reject(new Error("oops")) };
  const close = runProbe(broken, { clock, log: silent, observe: (seen) => heard.push(seen as ProbeObservation) });
  await clock.advanceAsync(1_000, 100);
  await close();
  expect(heard).toHaveLength(2);
  expect(heard[0]).toMatchObject({ verdict: "unknown", reason: "no-source", detail: "the probe is broken: Error: oops" });
});

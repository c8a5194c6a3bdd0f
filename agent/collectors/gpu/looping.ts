/**
 * A GPU's figures from one child process that prints them again and again: no process a sample, and never two at a time.
 *
 * Whatever talks to a GPU's driver hangs when the driver does, at its start or later, and then it may not even die. A watchdog
 * ends a child that is silent (the first sample may take long on machines with many GPUs); until it is really gone nothing
 * else is started, and the figures are unknown, never the last ones. A thread in place of the process would not do: one that
 * hangs in a native call can not be ended, and Node waits for it when it exits (tried, with Node 26).
 */
import { wait, type Clock } from "../../clock.ts";
import type { Close } from "../../lifecycle.ts";
import type { Log } from "../../log.ts";
import { startChild, type Child, type Ended, type Spawn } from "../child.ts";
import { unknown, type Collector, type Reading } from "../collector.ts";
import { pointsOf, type GpuFigures } from "./figures.ts";

export interface LoopingDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly spawn: Spawn;
}

export interface LoopingOptions {
  /** For people, and as `source` in the series. */
  readonly name: string;
  readonly command: string;
  readonly intervalMs: number;
  /** Somebody said that there is a GPU: then it is worth a warning when the program is not there. */
  readonly expected: boolean;
  /** One life of the program: what is asked of it first, then what it prints until it ends. */
  readonly live: (life: Life) => Promise<Lived>;
  /** Called where there is no such program. */
  readonly onMissing?: (() => void) | undefined;
  /** Called after two lives that ended by themselves with no figure: another back end may do better. */
  readonly onHopeless?: (() => void) | undefined;
}

export interface Life {
  /** Starts the program; its output comes as it is printed. Only one may run at a time. */
  readonly start: (args: readonly string[], onText: (text: string) => void) => Promise<Ended>;
  readonly stop: () => void;
  /** From now on it prints so often; at first, every interval. */
  readonly pace: (intervalMs: number) => void;
  readonly tell: (figures: GpuFigures) => void;
  readonly closing: () => boolean;
}

export interface Lived {
  readonly ended: Ended;
  /** What it printed instead of figures. */
  readonly said: string;
}

const firstSampleMs = 30_000;
const missedSamples = 3;
const missingRetryMs = 60_000;
const firstRetryMs = 1_000;
const lastRetryMs = 60_000;
/** A child that lived this long was well: the next failure counts as the first again. */
const wellAfterMs = 60_000;
const lineMax = 1_048_576;
/** Cards and MIG instances. */
const gpusMax = 128;
const hopelessAfter = 2;

export function looping({ name, command, intervalMs, expected, live, onMissing, onHopeless }: LoopingOptions, { clock, log, spawn }: LoopingDeps): Collector {
  let freshMs = missedSamples * intervalMs;
  const latest = new Map<string, { readonly figures: GpuFigures; readonly atMs: number }>();
  const closing = new AbortController();
  let child: Child | undefined;
  /** Why there are no figures, for as long as there are none. */
  let problem = `${name} has not answered yet`;

  const life: Life = {
    start(args, onText) {
      const onSilence = (silenceMs: number) => {
        problem = `${name} was silent for ${silenceMs / 1_000} s and was killed`;
      };
      child = startChild({ clock, spawn }, command, args, { firstSilenceMs: firstSampleMs, onText, onSilence });
      return child.ended;
    },
    stop: () => child?.kill(),
    pace(newIntervalMs) {
      freshMs = missedSamples * newIntervalMs;
    },
    tell(figures) {
      if (!latest.has(figures.id) && latest.size >= gpusMax) return;
      latest.set(figures.id, { figures, atMs: clock.monotonicMs() });
      child?.expectWithin(freshMs);
    },
    closing: () => closing.signal.aborted,
  };

  const run = async (): Promise<void> => {
    let failures = 0;
    let fruitless = 0;
    let told: string | undefined;
    while (!closing.signal.aborted) {
      const startMs = clock.monotonicMs();
      life.pace(intervalMs);
      const { ended, said } = await live(life);
      if (closing.signal.aborted) return;
      if (latest.size > 0) told = undefined;
      fruitless = latest.size > 0 || ended.kind === "killed" ? 0 : fruitless + 1;
      latest.clear();
      if (ended.kind === "missing") problem = `${command} can not be started: ${ended.code}`;
      if (ended.kind === "exited") problem = `${name} ended with code ${ended.code}: ${(ended.stderr.trim() || said.trim()).slice(0, 150)}`;
      const missing = ended.kind === "missing";
      log[(missing && !expected) || problem === told ? "debug" : "warn"]({ problem }, "no figures of a GPU");
      told = problem;
      if (missing && onMissing !== undefined) return onMissing();
      if (fruitless >= hopelessAfter && onHopeless !== undefined) return onHopeless();
      failures = clock.monotonicMs() - startMs > wellAfterMs ? 1 : failures + 1;
      const retryMs = missing ? missingRetryMs : Math.min(lastRetryMs, firstRetryMs * 2 ** (failures - 1));
      await wait(clock, retryMs, closing.signal).catch(() => {});
    }
  };

  return {
    intervalMs,
    timeoutMs: intervalMs,
    open(): Close {
      const over = run().catch((error: unknown) => {
        problem = `the collector is broken: ${String(error)}`;
        log.error({ problem }, "no figures of a GPU");
      });
      return async () => {
        closing.abort();
        child?.kill();
        // One that can not be killed is left behind.
        await Promise.race([over, wait(clock, 1_000)]);
      };
    },
    read: async (): Promise<Reading> => {
      const fresh = [...latest.values()].filter(({ atMs }) => clock.monotonicMs() - atMs < freshMs);
      if (fresh.length === 0) return unknown(problem);
      const lost = latest.size - fresh.length;
      return { status: "ok", detail: `${name}: ${fresh.length} of ${fresh.length + lost} GPUs`, points: fresh.flatMap(({ figures }) => pointsOf(figures, name)) };
    },
  };
}

/** Whole lines out of pieces of text; a line that does not end is cut at its front, and so is no line of ours. */
export function linesOf(onLine: (line: string) => void): (text: string) => void {
  let rest = "";
  return (text) => {
    const lines = (rest + text).split("\n");
    rest = (lines.pop() ?? "").slice(-lineMax);
    for (const line of lines) onLine(line);
  };
}

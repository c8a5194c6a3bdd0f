/**
 * GPU figures from one `nvidia-smi` that prints a line a GPU again and again: no process a sample, and never two at a time.
 *
 * nvidia-smi hangs when its driver does, at its start or later, and then it may not even die. A watchdog ends one that is
 * silent (its first sample may take long on machines with many GPUs); until it is really gone nothing else is started, and
 * the figures are unknown, never the last ones. Before each start the driver's help is asked which fields it knows.
 */
import { wait, type Clock } from "../clock.ts";
import type { Close } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import { startChild, type Child, type Ended, type Spawn } from "./child.ts";
import { unknown, type Collector, type Reading } from "./collector.ts";
import { chooseFields, gpuId, gpuPoints, parseLine, type Field, type GpuLine } from "./gpu-csv.ts";

export interface NvidiaSmiOptions {
  readonly command: string;
  readonly intervalMs: number;
  /** Somebody said that there is a GPU: then it is worth a warning when nvidia-smi is not there. */
  readonly expected: boolean;
}

export interface NvidiaSmiDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly spawn: Spawn;
}

const firstSampleMs = 30_000;
const missedSamples = 3;
const missingRetryMs = 60_000;
const firstRetryMs = 1_000;
const lastRetryMs = 60_000;
/** A child that lived this long was well: the next failure counts as the first again. */
const wellAfterMs = 60_000;
const helpMax = 262_144;
const lineMax = 8_192;
const gpusMax = 64;

export function nvidiaSmi({ command, intervalMs, expected }: NvidiaSmiOptions, { clock, log, spawn }: NvidiaSmiDeps): Collector {
  const freshMs = missedSamples * intervalMs;
  const latest = new Map<string, { readonly line: GpuLine; readonly atMs: number }>();
  const closing = new AbortController();
  let child: Child | undefined;
  /** Why there are no figures, for as long as there are none. */
  let problem = "nvidia-smi has not answered yet";

  const start = (args: readonly string[], onText: (text: string) => void): Child => {
    const onSilence = (silenceMs: number) => {
      problem = `nvidia-smi was silent for ${silenceMs / 1_000} s and was killed`;
    };
    child = startChild({ clock, spawn }, command, args, { firstSilenceMs: firstSampleMs, onText, onSilence });
    return child;
  };

  const askFields = async (): Promise<{ readonly fields: readonly Field[]; readonly ended: Ended; readonly said: string }> => {
    let help = "";
    const { ended } = start(["--help-query-gpu"], (text) => {
      help += text.slice(0, helpMax - help.length);
    });
    return { ended: await ended, fields: chooseFields(help), said: help };
  };

  const follow = async (fields: readonly Field[]): Promise<{ readonly ended: Ended; readonly said: string }> => {
    let said = "";
    let rest = "";
    const query = fields.map(({ name }) => name).join(",");
    const following = start([`--query-gpu=${query}`, "--format=csv,noheader,nounits", "-lms", String(intervalMs)], (text) => {
      const lines = (rest + text).split("\n");
      rest = (lines.pop() ?? "").slice(-lineMax);
      for (const printed of lines) {
        const line = parseLine(printed, fields);
        if (line === undefined) {
          said = printed;
        } else if (latest.has(gpuId(line)) || latest.size < gpusMax) {
          latest.set(gpuId(line), { line, atMs: clock.monotonicMs() });
          following.expectWithin(freshMs);
        }
      }
    });
    return { ended: await following.ended, said };
  };

  /** One life of nvidia-smi, from asking its fields to its end. */
  const live = async (): Promise<{ readonly ended: Ended; readonly said: string }> => {
    const { fields, ended, said } = await askFields();
    return fields.length === 0 || ended.kind !== "exited" || closing.signal.aborted ? { ended, said } : follow(fields);
  };

  const run = async (): Promise<void> => {
    let failures = 0;
    let told: string | undefined;
    while (!closing.signal.aborted) {
      const startMs = clock.monotonicMs();
      const { ended, said } = await live();
      if (closing.signal.aborted) return;
      if (latest.size > 0) told = undefined;
      latest.clear();
      if (ended.kind === "missing") problem = `${command} can not be started: ${ended.code}`;
      if (ended.kind === "exited") problem = `nvidia-smi ended with code ${ended.code}: ${(ended.stderr.trim() || said.trim()).slice(0, 150)}`;
      const missing = ended.kind === "missing";
      log[(missing && !expected) || problem === told ? "debug" : "warn"]({ problem }, "no figures of a GPU");
      told = problem;
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
      const fresh = [...latest.values()].filter(({ atMs }) => clock.monotonicMs() - atMs <= freshMs);
      if (fresh.length === 0) return unknown(problem);
      const lost = latest.size - fresh.length;
      return { status: "ok", detail: `${fresh.length} of ${fresh.length + lost} GPUs`, points: fresh.flatMap(({ line }) => gpuPoints(line)) };
    },
  };
}

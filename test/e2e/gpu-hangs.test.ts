/**
 * A minute of a GPU's driver that hangs, seen by the real daemon and told by the real Prometheus: nvidia-smi says nothing any
 * more, neither the one that runs nor any that is started.
 */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { tool } from "../dashboards/tool.ts";
import { firingNow, startPrometheus } from "./prometheus.ts";
import { addresses, metricsText, runExample, startCommand, startServer } from "./pilotfish.ts";
import { root, stageForTest } from "./processes.ts";

const missing = (await tool("prometheus")).missing;

const intervalMs = 500;
const hangMs = 60_000;

/** Plays nvidia-smi: well while there is no file `hung`, then silent at whatever it is asked, for no more than two minutes. */
const fake = (hung: string) => `#!/bin/sh
[ -e ${hung} ] && exec sleep 120
if [ "$1" = --help-query-gpu ]; then echo '"index" "uuid" "utilization.gpu"'; exit; fi
while [ ! -e ${hung} ]; do echo '0, GPU-a, 37'; sleep 0.${intervalMs / 100}; done
exec sleep 120
`;

/** Children that are alive; the script's own short sleeps are not ours. */
function childrenOf(pid: number): number {
  const isChild = (entry: string): boolean => {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(parent) === pid && state !== "Z";
    } catch {
      return false; // It ended meanwhile.
    }
  };
  return readdirSync("/proc").filter((entry) => /^\d+$/.test(entry) && isChild(entry)).length;
}

const gpuIn = (text: string) => ({
  up: /^pilotfish_collector_up\{collector="gpu"\} (.*)$/m.exec(text)?.[1],
  series: [...text.matchAll(/^(\w+)\{[^}]*gpu="GPU-a"/gm)].map(([, name]) => name),
});

describe.skipIf(missing)("a driver that hangs for a minute", () => {
  // Delays are wall time, which a busy machine can spoil; one that blocks spoils it every time.
  test("one child at most, the GPU's series gone within three intervals, nobody waits, and the alert fires and resolves", { timeout: 200_000, retry: 1 }, async () => {
    const stage = await stageForTest();
    const at = await addresses();
    const [hung, smi, late] = [stage.path("hung"), stage.path("nvidia-smi"), stage.path("loop-delay")];
    await writeFile(smi, fake(hung), { mode: 0o755 });
    await startServer(stage, at);
    const settings = ["collectors.gpu.backend=nvidia-smi", `collectors.gpu.command=${smi}`, `collectors.gpu.interval=${intervalMs}ms`, "collectors.interval=1s", `store.path=${stage.path("state.sqlite")}`];
    const daemon = startCommand(stage, runExample(at, settings), { NODE_OPTIONS: `--import=${root}test/e2e/loop-delay.ts`, LOOP_DELAY_FILE: late });
    await stage.eventually("the GPU is read", 30_000, async () => gpuIn(await metricsText(at)).series.includes("hw_gpu_utilization_ratio"), daemon);
    const address = await startPrometheus(stage, [at.metrics], { options: { alerts: { PilotfishGpuUnknown: { for: "5s" } } }, every: "500ms" });
    await stage.eventually("prometheus has seen the GPU", 20_000, async () => {
      const response = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent('pilotfish_collector_up{collector="gpu"} == 1')}`);
      return ((await response.json()) as { data: { result: unknown[] } }).data.result.length === 1;
    });
    // The child may stand behind `env`, which replaces itself with it.
    const { pid } = daemon;
    expect(childrenOf(pid)).toBe(1);

    daemon.signal("SIGUSR2");
    writeFileSync(hung, "");
    const hungAtMs = performance.now();
    let [mostChildren, goneAfterMs, firedAfterMs] = [0, Number.NaN, Number.NaN];
    while (performance.now() - hungAtMs < hangMs) {
      mostChildren = Math.max(mostChildren, childrenOf(pid));
      const { up, series } = gpuIn(await metricsText(at));
      const sinceMs = performance.now() - hungAtMs;
      if (series.length === 0 && up === "0") goneAfterMs = Number.isNaN(goneAfterMs) ? sinceMs : goneAfterMs;
      else if (!Number.isNaN(goneAfterMs)) throw new Error(`the GPU's series came back while its driver hung: ${series.join()}`);
      if (Number.isNaN(firedAfterMs) && (await firingNow(address)).includes("PilotfishGpuUnknown")) firedAfterMs = sinceMs;
      await sleep(100);
    }
    daemon.signal("SIGUSR2");
    await rm(hung);

    // The last line was printed up to an interval before, one is on its way, and readings are taken once an interval.
    expect(goneAfterMs).toBeLessThan((3 + 2) * intervalMs);
    expect(mostChildren).toBe(1);
    expect(firedAfterMs).toBeLessThan(15_000);
    const lateMs = await stage.eventually("the daemon's measure", 5_000, () => Number(readFileSync(late, "utf8")));
    expect(lateMs).toBeLessThan(20);
    console.log(`${hangMs / 1_000} s of a hung nvidia-smi: series gone after ${Math.round(goneAfterMs)} ms, alert after ${Math.round(firedAfterMs)} ms, loop delay p99 ${lateMs.toFixed(1)} ms, at most ${mostChildren} child`);

    await stage.eventually("the GPU is read again", 45_000, async () => gpuIn(await metricsText(at)).up === "1", daemon);
    await stage.eventually("the alert is over", 10_000, async () => !(await firingNow(address)).includes("PilotfishGpuUnknown"));
  });
});

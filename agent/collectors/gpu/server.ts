/**
 * GPU figures from the model server's own metrics, for a pod in which the sidecar may see nothing of the GPU: Triton tells of
 * those that it uses (`nv_gpu_*`, as recorded of a T4). It has no errors, clocks or temperatures, so this is the last resort.
 *
 * While it has told none yet, it is asked each half minute only: most servers never do.
 */
import { placesOf } from "../../adapters/page.ts";
import type { Sample } from "../../adapters/prometheus-text.ts";
import { readSamples } from "../../adapters/samples.ts";
import type { Clock } from "../../clock.ts";
import type { Ask } from "../../forward/ask.ts";
import { unknown, type Collector, type Reading } from "../collector.ts";
import { pointsOf, type GpuFigures } from "./figures.ts";

export interface ServerGpuOptions {
  readonly server: URL;
  /** Of the metrics, as configured; undefined for Triton's own place. */
  readonly url: URL | undefined;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

const againMs = 30_000;
const gpusMax = 128;

export function serverGpu({ server, url, intervalMs, timeoutMs }: ServerGpuOptions, { clock, ask }: { readonly clock: Clock; readonly ask: Ask }): Collector {
  const href = url?.href ?? (placesOf(server, ["triton"])[0] as string);
  let toldOnce = false;
  let barren: { readonly reading: Reading; readonly untilMs: number } | undefined;

  const readPage = async (): Promise<Reading> => {
    const page = await readSamples({ href, timeoutMs }, { clock, ask });
    if (!page.ok) return unknown(page.detail);
    const gpus = figuresOfServer(page.samples);
    if (gpus.length === 0) return unknown(`${href} tells nothing of a GPU, and there is no other back end for one`);
    return { status: "ok", detail: `the server: ${gpus.length} GPUs`, points: gpus.flatMap((figures) => pointsOf(figures, "server")) };
  };

  return {
    intervalMs,
    timeoutMs: 2 * timeoutMs,
    async read() {
      if (barren !== undefined && clock.monotonicMs() < barren.untilMs) return barren.reading;
      const reading = await readPage();
      toldOnce ||= reading.status === "ok";
      barren = toldOnce ? undefined : { reading, untilMs: clock.monotonicMs() + againMs };
      return reading;
    },
  };
}

export function figuresOfServer(samples: readonly Sample[]): readonly GpuFigures[] {
  const gpus = new Map<string, Map<string, number>>();
  for (const { name, labels, value } of samples) {
    const id = labels["gpu_uuid"];
    if (id === undefined || !Number.isFinite(value) || (!gpus.has(id) && gpus.size >= gpusMax)) continue;
    const gpu = gpus.get(id) ?? new Map<string, number>();
    gpus.set(id, gpu.set(name, value));
  }
  return [...gpus].map(([id, values]) => ({
    id,
    name: "",
    driver: "",
    busyRatio: values.get("nv_gpu_utilization"),
    memoryUsedBytes: values.get("nv_gpu_memory_used_bytes"),
    memoryTotalBytes: values.get("nv_gpu_memory_total_bytes"),
    powerW: values.get("nv_gpu_power_usage"),
    powerLimitW: values.get("nv_gpu_power_limit"),
    energyJ: values.get("nv_energy_consumption"),
  }));
}

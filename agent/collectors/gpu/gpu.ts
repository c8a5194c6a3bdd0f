/**
 * The GPU's back ends: which there are, and which one reads. All give the same series; each is a collector, so it says
 * `unknown` where it has no figures, and it keeps a hang of the driver to itself.
 */
import type { Clock } from "../../clock.ts";
import type { Ask } from "../../forward/ask.ts";
import type { Close } from "../../lifecycle.ts";
import type { Log } from "../../log.ts";
import type { Spawn } from "../child.ts";
import { unknown, type Collector } from "../collector.ts";
import { amd, amdIsPresent } from "./amd.ts";
import { dcgm } from "./dcgm.ts";
import { kernelLog } from "./kernel-log.ts";
import { nvidiaSmi } from "./nvidia-smi.ts";
import { nvml, nvmlIsPresent } from "./nvml.ts";
import type { GpuOptions } from "./options.ts";
import { serverGpu } from "./server.ts";
import { only } from "./visible.ts";

export interface GpuDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly ask: Ask;
  readonly spawn: Spawn;
  /** The model server, and where its metrics are: undefined for their usual place. */
  readonly server: { readonly url: URL; readonly metrics: URL | undefined | "off" };
  readonly paths: { readonly proc: string; readonly sys: string; readonly kernelLog: string };
  /** The server's /dev/dri, as seen from here. */
  readonly devices: () => Promise<string>;
  /** UUIDs of the server's cards of NVIDIA; undefined where all that are seen count as its. */
  readonly visible: () => Promise<ReadonlySet<string> | undefined>;
}

interface BackEnd {
  /** Is it worth a try? Says nothing of whether it works. */
  readonly present: (options: GpuOptions, deps: GpuDeps) => boolean | Promise<boolean>;
  /** @param onHopeless called when it will not get any figures. */
  readonly make: (options: GpuOptions, deps: GpuDeps, onHopeless?: () => void) => Collector;
}

/** In the order in which `auto` tries them; the last one stays. */
const backEnds: Readonly<Record<Exclude<GpuOptions["backend"], "auto" | "off">, BackEnd>> = {
  dcgm: {
    present: ({ dcgm: { url } }) => url !== undefined,
    make: ({ interval, dcgm: { url, pod, namespace, timeout } }, deps) => dcgm({ url: new URL(url ?? "http://127.0.0.1:9400/metrics"), pod, namespace, intervalMs: interval, timeoutMs: timeout }, deps),
  },
  nvml: {
    present: (_options, { paths }) => nvmlIsPresent(paths.proc),
    make: ({ interval, library, backend }, deps, onHopeless) => {
      const reader = nvml({ library, intervalMs: interval, expected: backend !== "auto", onHopeless }, deps);
      return { ...reader, read: async () => only(await reader.read(), await deps.visible()) };
    },
  },
  amd: {
    present: (_options, { paths }) => amdIsPresent(paths.sys),
    make: ({ interval }, { paths, devices }) => amd({ sys: paths.sys, devices, intervalMs: interval }),
  },
  "nvidia-smi": {
    present: () => true,
    make: ({ interval, command, backend }, deps, onHopeless) => {
      const xids = kernelLog(deps.paths.kernelLog, interval, deps.clock);
      const smi = nvidiaSmi({ command, intervalMs: interval, expected: backend !== "auto", onMissing: onHopeless }, { ...deps, xids });
      return {
        ...smi,
        read: async () => only(await smi.read(), await deps.visible()),
        open() {
          const close = smi.open?.();
          return async () => {
            await close?.();
            await xids.close();
          };
        },
      };
    },
  },

  server: {
    present: (_options, { server }) => server.metrics !== "off",
    make: ({ interval }, { server: { url, metrics }, ...deps }) => serverGpu({ server: url, url: metrics === "off" ? undefined : metrics, intervalMs: Math.max(interval, serverIntervalMs), timeoutMs: 1_000 }, deps),
  },
};

/** Triton looks at its GPUs each two seconds, and reading a page of metrics takes some milliseconds. */
const serverIntervalMs = 2_000;

export function gpu(options: GpuOptions, deps: GpuDeps): Collector | undefined {
  if (options.backend === "off") return undefined;
  return options.backend === "auto" ? chosen(options, deps) : backEnds[options.backend].make(options, deps);
}

/** The first back end that is there; where that one turns out to be hopeless, the next. Never two at a time. */
function chosen(options: GpuOptions, deps: GpuDeps): Collector {
  let current: Collector | undefined;
  let close: Close | undefined;
  let closed = false;

  const open = async (candidates: readonly BackEnd[]): Promise<void> => {
    for (const [index, candidate] of candidates.entries()) {
      if (!(await candidate.present(options, deps))) continue;
      if (closed) return;
      const goOn = async () => {
        await close?.();
        close = current = undefined;
        if (!closed) await open(candidates.slice(index + 1));
      };
      current = candidate.make(options, deps, () => void goOn());
      close = current.open?.();
      return;
    }
  };

  return {
    intervalMs: options.interval,
    timeoutMs: Math.max(options.interval, 2 * options.dcgm.timeout),
    open() {
      void open(Object.values(backEnds));
      return async () => {
        closed = true;
        await close?.();
      };
    },
    read: async () => current?.read() ?? unknown("no back end for a GPU was found yet"),
  };
}

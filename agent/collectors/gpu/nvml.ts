/** GPU figures from NVML: more than nvidia-smi tells, and the interface that NVIDIA keeps stable. Read in a process of its own. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { Collector } from "../collector.ts";
import type { GpuFigures } from "./figures.ts";
import { linesOf, looping, type LoopingDeps, type LoopingOptions } from "./looping.ts";

export interface NvmlOptions extends Pick<LoopingOptions, "intervalMs" | "expected" | "onHopeless"> {
  /** Name or path of the library. */
  readonly library: string;
}

const file = import.meta.url.endsWith(".ts") ? "./nvml-process.ts" : "./nvml-process.mjs";

/** A driver is loaded, and what calls its library was installed: koffi is an optional dependency. Tells nothing of a library that is missing. */
export function nvmlIsPresent(proc: string): boolean {
  try {
    createRequire(import.meta.url).resolve("koffi");
  } catch {
    return false;
  }
  return existsSync(`${proc}/driver/nvidia/version`) || existsSync("/dev/nvidiactl");
}

export function nvml({ library, ...options }: NvmlOptions, deps: LoopingDeps): Collector {
  const script = fileURLToPath(new URL(file, import.meta.url));
  const args = ["--max-old-space-size=64", script, "--library", library, "--interval", String(options.intervalMs)];
  return looping(
    {
      ...options,
      name: "nvml",
      command: process.execPath,
      live: async ({ start, tell }) => {
        let said = "";
        const onLine = (line: string) => {
          const figures = parse(line);
          if (figures === undefined) said = line;
          for (const gpu of figures ?? []) tell(gpu);
        };
        return { ended: await start(args, linesOf(onLine)), said };
      },
    },
    deps,
  );
}

/** Our own process wrote it, so it is what it says or cut. */
function parse(line: string): readonly GpuFigures[] | undefined {
  try {
    return JSON.parse(line) as readonly GpuFigures[];
  } catch {
    return undefined;
  }
}

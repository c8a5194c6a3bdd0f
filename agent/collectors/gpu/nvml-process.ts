/**
 * The program that NVML is read in: a process of its own, since a call that hangs in the driver can neither be ended nor be
 * waited for. Prints one line of JSON a reading, an array of figures, until nobody reads them any more.
 */
import { writeSync } from "node:fs";
import { parseArgs } from "node:util";
import { systemClock } from "../../clock.ts";
import { nvmlReader } from "./nvml-figures.ts";
import { loadNvml } from "./nvml-library.ts";

const { values } = parseArgs({ options: { library: { type: "string", default: "libnvidia-ml.so.1" }, interval: { type: "string", default: "1000" } } });
const intervalMs = Number(values.interval);

try {
  const reader = nvmlReader(loadNvml(values.library), () => systemClock.monotonicMs());
  const sleep = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const startMs = systemClock.monotonicMs();
    // Fails once the other end of the pipe is gone, and that ends this process.
    writeSync(1, `${JSON.stringify(reader.read())}\n`);
    Atomics.wait(sleep, 0, 0, Math.max(1, intervalMs - (systemClock.monotonicMs() - startMs)));
  }
} catch (error) {
  writeSync(2, `${values.library}: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

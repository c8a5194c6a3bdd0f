/**
 * Loaded before a program (`node --import`): how late its main loop runs. At SIGUSR2 it writes the 99th percentile since the
 * last time, in milliseconds, to the file that LOOP_DELAY_FILE names, and begins anew.
 */
import { writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

const file = process.env["LOOP_DELAY_FILE"];
if (isMainThread && file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  process.on("SIGUSR2", () => {
    writeFileSync(file, String(delay.percentile(99) / 1e6));
    delay.reset();
  });
}

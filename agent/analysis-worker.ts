/** The analysis thread: an analyst behind a message port. */
import { parentPort, workerData } from "node:worker_threads";
import type { Setup, ToAnalyst } from "./analysis-messages.ts";
import { openAnalyst } from "./analyst.ts";
import { systemClock } from "./clock.ts";

if (parentPort === null) throw new Error("analysis-worker.ts runs in a worker thread only");
const port = parentPort;

const analyst = await openAnalyst(workerData as Setup, { clock: systemClock, tell: (message) => port.postMessage(message) });
// What came before this line waits in the port.
port.on("message", (message: ToAnalyst) => analyst.hear(message));

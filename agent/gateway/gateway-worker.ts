/** A worker thread of the gateway: a worker behind a message port. */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../clock.ts";
import { openWorker } from "./worker.ts";
import type { ToWorker, WorkerData } from "./worker-messages.ts";

if (parentPort === null) throw new Error("gateway-worker.ts runs in a worker thread only");
const port = parentPort;

const worker = openWorker(workerData as WorkerData, { clock: systemClock, post: (message, transfer = []) => port.postMessage(message, [...transfer]) });
port.on("message", (message: ToWorker) => worker.hear(message));

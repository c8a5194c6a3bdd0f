/** Scrapes from a thread of its own, so that the client's work is not taken for the server's. */
import { get } from "node:http";
import { parentPort, workerData } from "node:worker_threads";
import { systemClock as clock } from "../../agent/clock.ts";

export interface Scrapes {
  readonly url: string;
  readonly count: number;
  readonly headers: Readonly<Record<string, string>>;
}

const { url, count, headers } = workerData as Scrapes;
const durationsMs: number[] = [];
for (let i = 0; i < count; i += 1) {
  const startMs = clock.monotonicMs();
  await new Promise<void>((resolve, reject) => {
    get(url, { headers }, (response) => response.resume().on("end", resolve).on("error", reject)).on("error", reject);
  });
  durationsMs.push(clock.monotonicMs() - startMs);
}
parentPort?.postMessage(durationsMs);

/** Scrapes from a thread of its own, so that the client's work is not taken for the server's. Told a number, it scrapes so often and says how long each took. */
import { get } from "node:http";
import { parentPort, workerData } from "node:worker_threads";
import { systemClock as clock } from "../../agent/clock.ts";

export interface Scraping {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const { url, headers } = workerData as Scraping;

async function scrapeMs(): Promise<number> {
  const startMs = clock.monotonicMs();
  await new Promise<void>((resolve, reject) => {
    get(url, { headers }, (response) => response.resume().on("end", resolve).on("error", reject)).on("error", reject);
  });
  return clock.monotonicMs() - startMs;
}

parentPort?.on("message", (count: number) => {
  void (async () => {
    const durationsMs: number[] = [];
    for (let i = 0; i < count; i += 1) durationsMs.push(await scrapeMs());
    parentPort?.postMessage(durationsMs);
  })();
});

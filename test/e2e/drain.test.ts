/** The end of a Pilotfish as its clients see it: a real process, SIGTERM, and traffic that does not know of it yet. */
import { request as httpRequest } from "node:http";
import { expect, test } from "vitest";
import { inferRequest, readRows } from "../../examples/employment/rows.ts";
import { stageForTest } from "./processes.ts";
import { addresses, infer, inferPath, metricsText, runExample, startPilotfish, startServer, type Addresses } from "./pilotfish.ts";

const rows = (await readRows("steady")).slice(0, 2);
const body = JSON.stringify(inferRequest(rows));

/** One inference on a connection of its own: its status and whether the connection ends with it, or how it failed. */
function ask({ gateway }: Addresses): Promise<string> {
  return new Promise((resolve) => {
    const request = httpRequest(gateway + inferPath, { method: "POST", agent: false, headers: { "content-type": "application/json", connection: "keep-alive" } }, (response) => {
      response.resume();
      response.on("end", () => {
        resolve(`${response.statusCode} ${String(response.headers.connection)}`);
        request.destroy();
      });
      response.on("error", (error) => resolve(String(error)));
    });
    request.on("error", (error) => resolve((error as NodeJS.ErrnoException).code ?? String(error)));
    request.end(body);
  });
}

test.each([1, 2])("connections that come throughout the drain are served, none is reset, and it ends when they have stopped (workers: %i)", async (workers) => {
  const stage = await stageForTest();
  const at = await addresses();
  await startServer(stage, at);
  const pilotfish = await startPilotfish(stage, at, runExample(at, [`gateway.workers=${workers}`, "gateway.linger=20s"]));
  expect(await ask(at)).toBe("200 keep-alive");
  const answers: string[] = [];
  let coming = true;
  const clients = Array.from({ length: 4 }, async () => {
    while (coming) answers.push(await ask(at));
  });
  await stage.eventually("traffic", 10_000, () => answers.length > 20);

  pilotfish.signal("SIGTERM");
  await stage.eventually("it is not ready any more", 5_000, async () => (await fetch(`${at.api}/readyz`)).status === 503);
  const from = answers.length;
  await stage.eventually("requests after that", 10_000, () => answers.length > from + 200);
  expect([...new Set(answers.slice(from + 4))]).toEqual(["200 close"]);
  expect(await metricsText(at)).toContain('state="draining"} 1');
  coming = false;
  await Promise.all(clients);
  const stoppedMs = performance.now();
  expect(await pilotfish.exited).toBe(0);
  // A second in which nothing comes, and what is closed after that; far from the 20 s that it might linger.
  expect(performance.now() - stoppedMs).toBeLessThan(8_000);
  expect([...new Set(answers)].toSorted((a, b) => a.localeCompare(b))).toEqual(["200 close", "200 keep-alive"]);
  expect(await ask(at)).toBe("ECONNREFUSED");
}, 60_000);

test("traffic that never stops keeps it no longer than it may linger; until then everybody is served, after that nobody is there", async () => {
  const stage = await stageForTest();
  const at = await addresses();
  await startServer(stage, at);
  const pilotfish = await startPilotfish(stage, at, runExample(at, ["gateway.linger=1s"]));
  const failures: string[] = [];
  let served = 0;
  const clients = Array.from({ length: 4 }, async () => {
    for (;;) {
      const answer = await ask(at);
      if (!answer.startsWith("200")) return failures.push(answer);
      served += 1;
    }
  });
  await stage.eventually("traffic", 10_000, () => served > 20);
  expect(await pilotfish.end("SIGTERM")).toBe(0);
  await Promise.all(clients);
  // Of those that come in the very moment the system may have taken one that nobody will accept.
  expect(failures.filter((failure) => failure !== "ECONNREFUSED" && failure !== "ECONNRESET")).toEqual([]);
  expect(failures).toHaveLength(4);
  expect(await ask(at)).toBe("ECONNREFUSED");
}, 60_000);

test("with nothing under way and nothing coming it ends promptly", async () => {
  const stage = await stageForTest();
  const at = await addresses();
  await startServer(stage, at);
  const pilotfish = await startPilotfish(stage, at, runExample(at, ["gateway.linger=20s"]));
  const startMs = performance.now();
  expect(await pilotfish.end("SIGTERM")).toBe(0);
  expect(performance.now() - startMs).toBeLessThan(8_000);
}, 60_000);

test.each([1, 2])("a second SIGTERM ends it at once, whatever is under way (workers: %i)", async (workers) => {
  const stage = await stageForTest();
  const at = await addresses();
  const server = await startServer(stage, at);
  const pilotfish = await startPilotfish(stage, at, runExample(at, [`gateway.workers=${workers}`, "gateway.timeout=50s", "gateway.drain=60s", "probes.progress.floor=50s", "probes.http.timeout=20s", "ladder=[]"]));
  await infer(at, rows);
  server.signal("SIGSTOP");
  const hanging = ask(at);
  await stage.eventually("a request is under way", 10_000, async () => /pilotfish_gateway_active_requests [1-9]/.test(await metricsText(at)));
  pilotfish.signal("SIGTERM");
  await stage.eventually("it drains", 5_000, () => pilotfish.said("draining").length > 0);
  const startMs = performance.now();
  pilotfish.signal("SIGTERM");
  expect(await pilotfish.exited).toBe(1);
  expect(performance.now() - startMs).toBeLessThan(5_000);
  expect(await hanging).toBe("ECONNRESET");
  expect(pilotfish.said("told to end a second time")).toHaveLength(1);
}, 60_000);

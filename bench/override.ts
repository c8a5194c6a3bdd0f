/**
 * How soon a person's override holds for clients: from the moment it is posted to the first answer of a request that was sent after
 * and came from the pinned rung, on loopback, with one worker and with several. `npm run bench:override [-- --json] [-- --times N]`.
 * The model server is one of a few lines in this process, and so is the load beside: 200 requests a second.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { startAgent } from "../agent/agent.ts";
import { quantile } from "../agent/cli/demo/claims.ts";
import { startLoad, type Answered } from "../agent/cli/demo/load.ts";
import { systemClock as clock, wait } from "../agent/clock.ts";
import { configFor } from "../agent/config/config.ts";
import { silent } from "../agent/log.ts";

const { values } = parseArgs({ options: { json: { type: "boolean", default: false }, times: { type: "string", default: "100" } } });
const answer = '{"model_name":"m","model_version":"1","outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[0.25]}]}';
const metadata = '{"name":"m","versions":["1"],"inputs":[{"name":"x","datatype":"FP32","shape":[-1,1]}],"outputs":[{"name":"y","datatype":"FP32","shape":[-1]}]}';
const question = '{"inputs":[{"name":"x","datatype":"FP32","shape":[1,1],"data":[1]}]}';
const path = "/v2/models/m/infer";

const server = createServer((request, response) => {
  const body = request.method === "POST" ? answer : metadata;
  request.resume().on("end", () => response.writeHead(200, { "content-type": "application/json", "content-length": body.length }).end(body));
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

const results: { readonly workers: number; readonly answeredMs: readonly number[]; readonly heldMs: readonly number[] }[] = [];
for (const workers of [1, 2]) results.push({ workers, ...(await measure(workers)) });
server.close();
server.closeAllConnections();

const shown = results.map(({ workers, answeredMs, heldMs }) => ({
  workers,
  times: heldMs.length,
  postMs: { median: quantile(answeredMs, 0.5), worst: Math.max(...answeredMs) },
  heldMs: { median: quantile(heldMs, 0.5), worst: Math.max(...heldMs) },
}));
if (values.json) console.log(JSON.stringify(shown, null, 2));
else for (const { workers, times, postMs, heldMs } of shown) {
  console.log(`${workers} worker${workers === 1 ? " " : "s"}: posted and answered in ${postMs.median?.toFixed(1)} ms (worst ${postMs.worst.toFixed(1)}), first answer of the pinned rung after ${heldMs.median?.toFixed(1)} ms (worst ${heldMs.worst.toFixed(1)}) of ${times}`);
}
process.exit(0);

async function measure(workers: number): Promise<{ readonly answeredMs: readonly number[]; readonly heldMs: readonly number[] }> {
  const { port } = server.address() as AddressInfo;
  const parsed = configFor(`http://127.0.0.1:${port}`, [
    "model.name=m", "gateway.host=127.0.0.1", "gateway.port=0", `gateway.workers=${workers}`, "gateway.linger=0s", "api.port=0", "metrics.host=127.0.0.1", "metrics.port=0",
    "collectors.gpu.backend='off'", "ladder=[{kind: default, name: a, outputs: {y: 1}}, {kind: default, name: b, outputs: {y: 2}}]",
  ]);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const agent = await startAgent(parsed.config, { clock, log: silent, version: "bench" });
  const answers: Answered[] = [];
  let asked = 0;
  const load = startLoad({ url: `http://127.0.0.1:${agent.listeners.gateway.port}`, path, ratePerSecond: 200, deadlineMs: 2_000, atOnceMax: 64 }, clock, () => ({ id: `bench-${(asked += 1)}`, body: question }), (one) => answers.push(one));
  await wait(clock, 1_000);
  const answeredMs: number[] = [];
  const heldMs: number[] = [];
  for (let i = 0; i < Number(values.times); i += 1) {
    const rung = i % 2 === 0 ? "b" : "a";
    const from = answers.length;
    const sinceMs = clock.monotonicMs();
    const response = await fetch(`http://127.0.0.1:${agent.listeners.api.port}/v1/overrides`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ action: "pin", rung, reason: "bench" }) });
    if (response.status !== 201) throw new Error(await response.text());
    answeredMs.push(clock.monotonicMs() - sinceMs);
    let first: Answered | undefined;
    while (first === undefined && clock.monotonicMs() - sinceMs < 5_000) {
      await wait(clock, 1);
      first = answers.slice(from).find((one) => one.sentMs >= sinceMs && one.rung === rung);
    }
    heldMs.push(first === undefined ? Number.POSITIVE_INFINITY : first.sentMs + first.durationMs - sinceMs);
  }
  await load.stop();
  await agent.close();
  return { answeredMs, heldMs };
}

/** Which exchanges are handed on for analysis, and what is handed on. */
import { expect } from "vitest";
import { hash32, isSampled } from "../../agent/gateway/identity.ts";
import { bodyOf, deadAddress, fallback, httpServer, infer, post, question, rung, send, stage, test } from "./stage.ts";

const ids = Array.from({ length: 20_000 }, (_, index) => `request-${index}`);

test("whether an inference is sampled is a function of its id, in the share asked for", () => {
  for (const ratio of [0, 0.01, 0.1, 0.5, 1]) {
    const sampled = ids.filter((id) => isSampled(id, ratio)).length;
    // Four standard deviations of a binomial count.
    expect(Math.abs(sampled - ratio * ids.length)).toBeLessThanOrEqual(4 * Math.sqrt(ids.length * ratio * (1 - ratio)));
  }
  expect(ids.filter((id) => isSampled(id, 0.1) && !isSampled(id, 0.2))).toEqual([]);
});

test("ids that differ in their last digit only fall everywhere in the range", () => {
  const cells = Array.from({ length: 16 }, () => 0);
  for (const id of ids) cells[hash32(id) >>> 28]! += 1;
  const expected = ids.length / 16;
  const chiSquare = cells.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  expect(chiSquare).toBeLessThan(37.7); // 0.999 quantile at 15 degrees of freedom
});

test("two gateways take the same exchanges for the same ids", async () => {
  const server = await httpServer((request, response) => void bodyOf(request).then(() => response.end("{}")));
  const stages = [await stage(server, {}, { sample: { ratio: 0.5 } }), await stage(server, {}, { sample: { ratio: 0.5 } })];
  const taken = [];
  for (const { url, samples, exchange } of stages) {
    for (const id of ids.slice(0, 40)) await post(url, question, { "pilotfish-inference-id": id });
    await exchange(40);
    taken.push(samples().map(({ inferenceId }) => inferenceId));
  }
  expect(taken[0]).toEqual(ids.slice(0, 40).filter((id) => isSampled(id, 0.5)));
  expect(taken[1]).toEqual(taken[0]);
});

test("a sample holds both bodies in buffers of its own, after the exchange was observed", async () => {
  const server = await httpServer((_request, response) => {
    response.write('{"outputs"');
    setImmediate(() => response.end(":[]}"));
  });
  const { url, observed, samples, exchange } = await stage(server, { version: () => "2" }, { sample: { ratio: 1 } });
  await post(url, [Buffer.from(question.slice(0, 9)), Buffer.from(question.slice(9))], { "pilotfish-inference-id": "a" });
  await exchange();
  const [sample] = samples();
  expect(sample).toMatchObject({ inferenceId: "a", model: "employment", version: "2", rung: "primary", protocol: "open-inference" });
  expect(Buffer.from(sample?.request ?? []).toString()).toBe(question);
  expect(Buffer.from(sample?.response ?? []).toString()).toBe('{"outputs":[]}');
  expect(sample?.request.buffer.byteLength).toBe(question.length);
  expect(sample?.response.buffer.byteLength).toBe(14);
  expect(observed.map(({ kind }) => kind)).toEqual(["attempt", "exchange", "sample"]);
  const { traceparent } = (await exchange()) as { traceparent: string };
  expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});

test("a rung's answer is sampled under the rung's name", async () => {
  const { url, samples, exchange } = await stage(await deadAddress(), { rungs: [rung("small", fallback("{}"))] }, { sample: { ratio: 1 } });
  await post(url);
  await exchange();
  expect(samples()).toMatchObject([{ rung: "small", version: "small-1" }]);
});

test("failed answers, other requests and ids outside the share are not sampled", async () => {
  const server = await httpServer((request, response) => void response.writeHead(request.url === infer ? 422 : 200).end());
  const all = await stage(server, {}, { sample: { ratio: 1 } });
  await post(all.url);
  await send(all.url, "/v2");
  await all.exchange(2);
  const none = await stage(server, {}, { sample: { ratio: 0 } });
  await send(none.url, "/v2/models/employment/infer", { method: "POST", body: "{}" });
  await none.exchange();
  expect([...all.samples(), ...none.samples()]).toEqual([]);
});

test("a body over the sample's limit is let go and counted; the exchange itself is whole", async () => {
  const server = await httpServer((request, response) => {
    void bodyOf(request).then((body) => response.end(Buffer.alloc(request.headers["x-long"] === undefined ? 10 : 5_000, body[0])));
  });
  const { url, samples, dropped, exchange } = await stage(server, {}, { sample: { ratio: 1, bodyMax: "4KiB" } });
  expect((await post(url, Buffer.alloc(5_000))).status).toBe(200);
  expect((await post(url, question, { "x-long": "1" })).body).toHaveLength(5_000);
  await post(url);
  await exchange(3);
  expect(dropped).toEqual(["sample-too-large", "sample-too-large"]);
  expect(samples()).toHaveLength(1);
});

test("what the primary answered is offered for copies after the client has it and before it is remembered, and of wanted ids alone", async () => {
  const server = await httpServer((_request, response) => response.writeHead(200, { "content-type": "application/json" }).end('{"outputs":[]}'));
  const told: string[] = [];
  const { url, exchange } = await stage(server, {
    qualify: {
      ratio: 0.5,
      offer: (id, asked, answer) => void told.push(`offered ${id} ${asked.path} ${asked.body.toString()} ${answer.body.toString()}`),
    },
    remember: () => void told.push("remembered"),
  });
  const ids = Array.from({ length: 100 }, (_, i) => `id-${i}`);
  const other = ids.find((id) => !isSampled(id, 0.5)) as string;
  const wanted = ids.filter((id) => isSampled(id, 0.5)) as [string, string];
  await post(url, "{}", { "pilotfish-inference-id": other });
  await exchange(1);
  await post(url, "{}", { "pilotfish-inference-id": wanted[0] });
  await exchange(2);
  await post(url, "{}", { "pilotfish-inference-id": wanted[1] }, "/v2/health");
  await exchange(3);
  expect(told).toEqual(["remembered", `offered ${wanted[0]} ${infer} {} {"outputs":[]}`, "remembered"]);
});

test("an answer that the primary did not give well is offered to nobody", async () => {
  const server = await httpServer((_request, response) => response.writeHead(400).end("{}"));
  let offered = 0;
  const { url, exchange } = await stage(server, { qualify: { ratio: 1, offer: () => void (offered += 1) } });
  await post(url);
  await exchange();
  expect(offered).toBe(0);
});

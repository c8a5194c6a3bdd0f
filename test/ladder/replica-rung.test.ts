/** The same model elsewhere: which of several servers is asked, and what becomes of those that fail. Real servers on loopback. */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { Question } from "../../agent/backend.ts";
import { answered, choose, costOf, newLoad } from "../../agent/ladder/balance.ts";
import type { Send, Sent } from "../../agent/ladder/relay.ts";
import type { Protocol } from "../../agent/protocols/protocol.ts";
import { protocols } from "../../agent/protocols/protocols.ts";
import { FakeClock } from "../fake-clock.ts";
import { question, stage } from "./stage.ts";

const body = '{"model_name":"employment","model_version":"7","outputs":[]}';
const ask = question({ inputs: [] });

async function server(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<{ url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const made = createServer((request, response) => {
    asked.push(request.url ?? "");
    answer(request, response);
  });
  await new Promise<void>((resolve) => void made.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    made.closeAllConnections();
    made.close();
  });
  return { url: `http://127.0.0.1:${(made.address() as AddressInfo).port}`, asked };
}
const good = () => server((_request, response) => response.writeHead(200, { "content-type": "application/json", "keep-alive": "timeout=5", "pilotfish-rung": "primary", "x-own": "1" }).end(body));
const status = (code: number, headers: Record<string, string> = {}) => server((_request, response) => response.writeHead(code, headers).end("{}"));
const refusing = "http://127.0.0.1:1";

test("the question goes to another server below its own path, and its answer comes back as it is, without what concerned that connection", async () => {
  const { url, asked } = await good();
  const { ask: askRung } = await stage([{ kind: "replica", urls: [`${url}/below`] }]);
  const answer = await askRung({ ...ask, path: `${ask.path}?trace=1`, headers: { "x-own": "a", connection: "close, x-hop", "x-hop": "1" } });
  expect(answer).toMatchObject({ outcome: "ok", status: 200, version: "7" });
  if (answer.outcome !== "ok") throw new Error(answer.detail);
  expect(answer.body.toString()).toBe(body);
  expect(Object.keys(answer.headers).sort()).toEqual(["content-type", "date", "x-own"]);
  expect(asked).toEqual(["/below/v2/models/employment/infer?trace=1"]);
});

test("a server that refuses, or says 500, is followed by one other, within the same question", async () => {
  const [other, broken] = [await good(), await status(500)];
  for (const bad of [refusing, broken.url]) {
    const { ask: askRung } = await stage([{ kind: "replica", urls: [bad, other.url] }]);
    for (let i = 0; i < 4; i += 1) expect((await askRung(ask)).outcome).toBe("ok");
  }
});

test("a server that says 200 with what is no answer is a server that failed: another is asked, and its circuit hears it", async () => {
  const other = await good();
  for (const garbage of ["", "<html>502 Bad Gateway</html>", '{"error":"model is loading"}', '{"outputs":[{"name":"y","datatype":"FP32","shape":[2],"data":[1]}]}', '{"outputs":[{"name":"y"', `<${" ".repeat(300_000)}>`]) {
    const broken = await server((_request, response) => response.writeHead(200, { "content-type": "application/json" }).end(garbage));
    const alone = await stage([{ kind: "replica", urls: [broken.url], circuit: { failures: 1 } }]);
    expect(await alone.ask(ask)).toMatchObject({ outcome: "error", detail: expect.stringMatching(/answered 200 with what is no answer/) as string });
    expect(alone.ladder.usable()).toEqual([]);
    const both = await stage([{ kind: "replica", urls: [broken.url, other.url] }]);
    expect((await both.ask(ask)).outcome).toBe("ok");
  }
});

test("what could be an answer is none of a replica's faults: it comes through as it is", async () => {
  const forms: readonly (readonly [protocol: Protocol, body: string, headers?: Record<string, string>])[] = [
    [protocols["open-inference"], '{"outputs":[{"name":"y","datatype":"OWN","shape":[1],"parameters":{"binary_data_size":3}}]}abc'],
    [protocols["open-inference"], "\u001f\u008bzip", { "content-encoding": "zstd" }],
    [protocols.kserve, '{"predictions":[{"boxes":[[1,2],[3]]},{"boxes":[]}]}'],
    [protocols["tf-serving"], '{"result":[["a",0.5]]}'],
    [protocols.openai, '{"choices":[{"message":{"tool_calls":[]}}]}'],
    [protocols.openai, 'data: {"choices":[{"delta":{"content":"x"}}]}\n\ndata: [DONE]\n\n', { "content-type": "text/event-stream" }],
    [protocols.torchserve, "a cat"],
    [protocols.plain, '{"anything":true}'],
  ];
  for (const [protocol, text, headers] of forms) {
    const { url } = await server((_request, response) => response.writeHead(200, headers).end(text));
    const { ask: askRung } = await stage([{ kind: "replica", urls: [url] }], undefined, undefined, { protocol });
    expect((await askRung({ ...ask, path: "/" })).outcome, `${protocol.name}: ${text}`).toBe("ok");
  }
});

test("with every server failing the detail says of each how; soon none is asked, and the rung is not usable", async () => {
  const broken = await status(500);
  const { ladder, ask: askRung } = await stage([{ kind: "replica", urls: [refusing, broken.url], circuit: { failures: 2 } }]);
  expect(await askRung(ask)).toMatchObject({ outcome: "error", detail: expect.stringMatching(/127\.0\.0\.1:1: refused.*answered 500|answered 500.*127\.0\.0\.1:1: refused/) as string });
  expect((await askRung(ask)).outcome).toBe("error");
  expect(await askRung(ask)).toEqual({ outcome: "error", detail: "every replica failed too often and is skipped for a while" });
  expect(broken.asked).toHaveLength(2);
  expect(ladder.usable()).toEqual([]);
});

test.each<[number, Record<string, string>, string]>([
  [429, {}, "overloaded"],
  [503, { "retry-after": "1" }, "overloaded"],
  [400, {}, "rejected"],
  [422, {}, "rejected"],
])("%i is no failure of the server: nobody else is asked, and no circuit trips", async (code, headers, outcome) => {
  const busy = await status(code, headers);
  const { ladder, ask: askRung } = await stage([{ kind: "replica", urls: [busy.url], circuit: { failures: 1 } }]);
  for (let i = 0; i < 3; i += 1) expect(await askRung(ask)).toEqual({ outcome, detail: `${new URL(busy.url).host}: answered ${code}` });
  expect(ladder.usable()).toEqual(["replica"]);
});

test("a server that does not answer takes no more than the rung's time, and is not asked when it was too slow too often", async () => {
  const clock = new FakeClock();
  const asked: Question[] = [];
  const silent: Send = (_server, one, timeoutMs, signal) => {
    asked.push(one);
    return new Promise<Sent>((resolve) => {
      clock.after(timeoutMs, () => resolve({ ok: false, outcome: "timeout", detail: "no answer" }));
      signal.addEventListener("abort", () => resolve({ ok: false, outcome: "cancelled", detail: "cancelled" }), { once: true });
    });
  };
  const { ladder, ask: askRung } = await stage([{ kind: "replica", urls: ["http://a/"], timeout: "200ms", circuit: { failures: 2 } }], undefined, clock, { send: silent });
  for (let i = 0; i < 2; i += 1) {
    const asking = askRung(ask);
    await clock.advanceAsync(200);
    expect(await asking).toMatchObject({ outcome: "timeout" });
  }
  expect(asked).toHaveLength(2);
  expect(ladder.usable()).toEqual([]);
});

test("an asker who goes away is held against no server", async () => {
  const clock = new FakeClock();
  const send: Send = (_server, _question, _timeoutMs, signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve({ ok: false, outcome: "cancelled", detail: "cancelled" }), { once: true }));
  const { ladder, ask: askRung } = await stage([{ kind: "replica", urls: ["http://a/"], circuit: { failures: 1 } }], undefined, clock, { send });
  const abort = new AbortController();
  const asking = askRung(ask, 0, abort.signal);
  abort.abort();
  expect((await asking).outcome).toBe("timeout");
  expect(ladder.usable()).toEqual(["replica"]);
});

test("of two, the one with less to do is taken; one that never answered gets one question, not two", () => {
  const [slow, fast, fresh] = [newLoad(), newLoad(), newLoad()];
  answered(slow, 100, 0);
  answered(fast, 10, 0);
  const of = (...loads: (typeof slow)[]) => choose(loads.map((load) => ({ load })), 0, () => 0)?.load;
  expect(of(slow, fast)).toBe(fast);
  expect(of(fast, fresh)).toBe(fresh);
  fresh.inFlight = 1;
  expect(of(fast, fresh)).toBe(fast);
  fast.inFlight = 10; // 110 ms of work against 100
  expect(of(slow, fast)).toBe(slow);
});

test("a slow answer counts at once, and is forgotten slowly", () => {
  const load = newLoad();
  answered(load, 10, 0);
  answered(load, 500, 1_000);
  expect(costOf(load, 1_000)).toBe(500);
  answered(load, 10, 11_000); // a decay time later: 10 + 490/e
  expect(costOf(load, 11_000)).toBeCloseTo(10 + 490 / Math.E, 6);
});

test("two draws keep the longest queue shorter than one draw does", () => {
  const random = () => clock.random();
  const clock = new FakeClock();
  const longest = (pick: (servers: readonly { readonly load: ReturnType<typeof newLoad> }[]) => { readonly load: ReturnType<typeof newLoad> }) => {
    const servers = Array.from({ length: 32 }, () => ({ load: newLoad() }));
    servers.forEach(({ load }) => answered(load, 10, 0));
    for (let i = 0; i < 1_024; i += 1) pick(servers).load.inFlight += 1;
    return Math.max(...servers.map(({ load }) => load.inFlight));
  };
  const two = longest((servers) => choose(servers, 0, random) as (typeof servers)[0]);
  const one = longest((servers) => servers[Math.floor(random() * servers.length)] as (typeof servers)[0]);
  expect(two).toBeLessThan(36); // the mean is 32
  expect(one).toBeGreaterThan(two);
});

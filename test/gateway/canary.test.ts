/** A share of the clients is answered by a candidate on trial; no client fails because of it, and the judge hears how it went. */
import { createServer } from "node:http";
import type { RequestListener, ServerResponse } from "node:http";
import { expect } from "vitest";
import type { Question, Route } from "../../agent/backend.ts";
import { isSampled } from "../../agent/gateway/identity.ts";
import type { ShadowedPrimary, ShadowOffer } from "../../agent/gateway/room.ts";
import type { Observation } from "../../agent/observation.ts";
import type { Deal, TrialObservation } from "../../agent/trial.ts";
import { FakeClock } from "../fake-clock.ts";
import { bodyOf, deadAddress, fallback, flowing, httpServer, infer, listen, post, question, rawServer, rung, send, stage, test } from "./stage.ts";

const answerOf = (version: string) => JSON.stringify({ model_name: "employment", model_version: version, outputs: [] });

/** Remembers what it was asked, and answers as it is told. */
async function server(version: string, listener?: RequestListener) {
  const asked: { readonly path: string; readonly headers: Record<string, unknown>; readonly body: string }[] = [];
  const url = await httpServer((request, response) => {
    if (listener !== undefined) request.on("error", () => {});
    void bodyOf(request).then((body) => {
      asked.push({ path: request.url ?? "", headers: request.headers, body: body.toString() });
      if (listener === undefined) response.setHeader("content-type", "application/json").end(answerOf(version));
      else listener(request, response);
    }, () => {});
  });
  return { url, asked };
}

function dealing(url: URL | undefined, more: Partial<Deal> = {}): Deal {
  return { rollout: "r1", candidate: { kind: "server", ...(url && { url: url.href }) }, weight: 1, shadow: 0, key: {}, judged: true, ...more };
}

const trials = (observed: readonly Observation[]): readonly TrialObservation[] => observed.filter((observation) => observation.kind === "trial");
const who = (headers: Readonly<Record<string, unknown>>) => [headers["pilotfish-rung"], headers["pilotfish-reason"]];

test("what is dealt to the candidate it answers: its bytes, its version, and a trial that went well", async () => {
  const primary = await server("1");
  const candidate = await server("2");
  const { url, observed, attempts, exchange } = await stage(primary.url, { deal: () => dealing(candidate.url), version: () => "1" });
  const answer = await post(url, question, { "pilotfish-inference-id": "a1" });
  expect([answer.status, answer.body.toString(), ...who(answer.headers), answer.headers["pilotfish-model-version"]]).toEqual([200, answerOf("2"), "candidate", "canary", "2"]);
  expect(await exchange()).toMatchObject({ rung: "candidate", reason: "canary", version: "2", outcome: "ok", attempts: 1 });
  expect(attempts()).toMatchObject([{ backend: "candidate", outcome: "ok", status: 200, trial: false }]);
  expect(trials(observed)).toMatchObject([{ rollout: "r1", candidate: true, weight: 1, key: 0, inferenceId: "a1", failed: false, outcome: "ok" }]);
  expect([primary.asked.length, candidate.asked.map(({ path, body }) => [path, body])]).toEqual([0, [[infer, question]]]);
  expect(candidate.asked[0]?.headers).toMatchObject({ host: candidate.url.host, "pilotfish-inference-id": "a1" });
});

test("a candidate that is another version of the same server is asked by the protocol's path, and a client who names a version gets that one", async () => {
  const primary = await server("2");
  const { url, observed } = await stage(primary.url, { deal: () => dealing(undefined, { candidate: { kind: "server", version: "2" } }) });
  const dealt = await post(url, question, {}, `${infer}?trace=1`);
  const named = await post(url, question, {}, "/v2/models/employment/versions/1/infer");
  expect(primary.asked.map(({ path }) => path)).toEqual(["/v2/models/employment/versions/2/infer?trace=1", "/v2/models/employment/versions/1/infer"]);
  expect([who(dealt.headers), dealt.headers["pilotfish-model-version"], who(named.headers)]).toEqual([["candidate", "canary"], "2", ["primary", "normal"]]);
  expect(trials(observed)).toHaveLength(1);
});

test("a tenth of the keys is the candidate's; a key stays there while the weight grows, and the primary's side is told of too", async () => {
  const primary = await server("1");
  const candidate = await server("2");
  let deal = dealing(candidate.url, { weight: 0.1, key: { header: "x-user", cookie: "session" } });
  const { url, observed } = await stage(primary.url, { deal: () => deal });
  const users = Array.from({ length: 100 }, (_, i) => `user-${i}`);
  const sides = async (): Promise<readonly string[]> => {
    const answers = await Promise.all(users.map((user, i) => post(url, question, i % 2 === 0 ? { "x-user": user } : { cookie: `theme=dark; session=${user}` })));
    return users.filter((_, i) => answers[i]?.headers["pilotfish-rung"] === "candidate");
  };
  const first = await sides();
  expect(first.length).toBeGreaterThan(2);
  expect(first.length).toBeLessThan(25);
  expect(await sides()).toEqual(first);
  deal = { ...deal, weight: 0.5 };
  const grown = await sides();
  expect(first.filter((user) => !grown.includes(user))).toEqual([]);
  expect(grown.length).toBeGreaterThan(first.length);
  const told = trials(observed);
  expect([told.length, told.filter(({ candidate: is }) => is).length, new Set(told.map(({ key }) => key)).size]).toEqual([300, 2 * first.length + grown.length, 100]);
});

test("an abort holds for the next request, and what the candidate is answering is finished", async () => {
  const primary = await server("1");
  let asked = (): void => {};
  const isAsked = new Promise<void>((resolve) => (asked = resolve));
  let held: ServerResponse | undefined;
  const candidate = await server("2", (_request, response) => {
    held = response;
    asked();
  });
  let deal: Deal | undefined = dealing(candidate.url);
  const { url } = await stage(primary.url, { deal: () => deal });
  const begun = post(url);
  await isAsked;
  deal = undefined;
  expect(who((await post(url)).headers)).toEqual(["primary", "normal"]);
  held?.end(answerOf("2"));
  expect(who((await begun).headers)).toEqual(["candidate", "canary"]);
});

const failing = {
  "answers 500": () => server("2", (_request, response) => response.writeHead(500).end("broken")),
  "is overloaded": () => server("2", (_request, response) => response.writeHead(503, { "retry-after": "1" }).end()),
  "asks for less": () => server("2", (_request, response) => response.writeHead(429).end()),
  "breaks off": () => server("2", (request) => request.socket.destroy()),
  "breaks off in the middle of a short answer": () => server("2", (request, response) => {
    response.writeHead(200, { "content-length": "100" }).write("{");
    setImmediate(() => request.socket.destroy());
  }),
  "is not there": async () => ({ url: await deadAddress() }),
  "speaks no HTTP": async () => ({ url: await rawServer((socket) => socket.end("what?\r\n\r\n")) }),
} as const;
const outcomeOf = { "answers 500": "error", "is overloaded": "overloaded", "asks for less": "overloaded", "breaks off": "reset", "breaks off in the middle of a short answer": "reset", "is not there": "refused", "speaks no HTTP": "invalid" } as const;

test.each(Object.keys(failing).map((name) => [name as keyof typeof failing] as const))("a candidate that %s costs no client anything: the primary answers, and the failure is the candidate's", async (name) => {
  const primary = await server("1");
  const { url: at } = await failing[name]();
  const { url, observed, attempts, exchange, retries } = await stage(primary.url, { deal: () => dealing(at) });
  const answer = await post(url);
  const outcome = outcomeOf[name];
  expect([answer.status, answer.body.toString(), ...who(answer.headers)]).toEqual([200, answerOf("1"), "primary", outcome]);
  expect(await exchange()).toMatchObject({ rung: "primary", outcome: "ok", attempts: 2 });
  expect(attempts().map(({ backend, outcome: ended }) => [backend, ended])).toEqual([["candidate", outcome], ["primary", "ok"]]);
  expect(trials(observed)).toMatchObject([{ candidate: true, failed: true, outcome }]);
  expect(retries).toEqual([]);
});

test("what the candidate rejects the primary is asked too: rejected by both it is the request's fault, by the candidate alone the candidate's", async () => {
  const candidate = await server("2", (_request, response) => response.writeHead(400).end("{}"));
  let status = 400;
  const primary = await server("1", (_request, response) => response.writeHead(status).end(answerOf("1")));
  const { url, observed } = await stage(primary.url, { deal: () => dealing(candidate.url) });
  const both = await post(url);
  status = 200;
  const alone = await post(url);
  expect([both.status, alone.status, who(both.headers), who(alone.headers)]).toEqual([400, 200, ["primary", "normal"], ["primary", "normal"]]);
  expect(trials(observed)).toMatchObject([{ failed: false, outcome: "rejected" }, { failed: true, outcome: "rejected" }]);
});

test("a candidate that hangs has half of the primary's time, and the primary the other half; the client is answered in time", async () => {
  const clock = new FakeClock();
  const primary = await server("1");
  let asked = (): void => {};
  const isAsked = new Promise<void>((resolve) => (asked = resolve));
  const candidate = await server("2", () => asked());
  const { url, observed } = await stage(primary.url, { clock, deal: () => dealing(candidate.url) }, { timeout: "10s" });
  const asking = post(url);
  await isAsked;
  clock.advance(4_999);
  expect(trials(observed)).toEqual([]);
  clock.advance(1);
  expect(who((await asking).headers)).toEqual(["primary", "timeout"]);
  expect(trials(observed)).toMatchObject([{ candidate: true, failed: true, outcome: "timeout", durationMs: 5_000 }]);
});

test("a primary as late as a candidate may not be has failed its trial too, though its client has the answer", async () => {
  const clock = new FakeClock();
  let held: ServerResponse | undefined;
  let asked = (): void => {};
  const isAsked = new Promise<void>((resolve) => (asked = resolve));
  const primary = await server("1", (_request, response) => {
    held = response;
    asked();
  });
  const { url, observed } = await stage(primary.url, { clock, deal: () => dealing(new URL("http://127.0.0.1:9"), { weight: 0 }) }, { timeout: "10s" });
  const asking = post(url);
  await isAsked;
  clock.advance(5_001);
  held?.end(answerOf("1"));
  expect((await asking).status).toBe(200);
  expect(trials(observed)).toMatchObject([{ candidate: false, failed: true, outcome: "timeout" }]);
});

test("candidate and primary fail: the ladder answers, and the candidate's failure is still told", async () => {
  const broken = await server("2", (_request, response) => response.writeHead(500).end());
  const { url, observed } = await stage(await deadAddress(), { deal: () => dealing(broken.url), rungs: [rung("small", fallback())] });
  const answer = await post(url);
  expect([answer.status, ...who(answer.headers)]).toEqual([200, "small", "refused"]);
  expect(trials(observed)).toMatchObject([{ candidate: true, failed: true, outcome: "error" }]);
});

test("nobody can answer: the client is told so once all were asked", async () => {
  const { url } = await stage(await deadAddress(), { deal: () => dealing(undefined, { candidate: { kind: "server", url: "http://127.0.0.1:9" } }) });
  const answer = await post(url);
  expect(answer.status).toBe(503);
  expect(answer.body.toString()).toMatch(/candidate.*primary/);
});

test("a stream of the candidate streams, part by part, and one that breaks in the middle is told so", async () => {
  const primary = await server("1");
  const responses: ServerResponse[] = [];
  let asked = (): void => {};
  let isAsked = new Promise<void>((resolve) => (asked = resolve));
  const candidate = await server("2", (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).write("data: one\n\n");
    responses.push(response);
    asked();
  });
  const { url, observed, exchange, gateway } = await stage(primary.url, { deal: () => dealing(candidate.url) });
  let parts = "";
  const reading = fetch(new URL(infer, url), { method: "POST", body: question }).then(async (response) => {
    const decoder = new TextDecoder();
    for await (const part of response.body as AsyncIterable<Uint8Array>) {
      parts += decoder.decode(part);
      if (parts.includes("one") && !parts.includes("two")) responses[0]?.end("data: two\n\n");
    }
    return response.headers.get("pilotfish-rung");
  });
  await isAsked;
  expect(await reading).toBe("candidate");
  expect(parts).toBe("data: one\n\ndata: two\n\n");
  expect(await exchange()).toMatchObject({ rung: "candidate", outcome: "ok", stream: undefined });
  expect(gateway.work()).toMatchObject({ completed: 0, inFlight: 0, streams: undefined });

  isAsked = new Promise<void>((resolve) => (asked = resolve));
  const broken = post(url).catch(() => undefined);
  await isAsked;
  setImmediate(() => responses[1]?.destroy());
  await broken;
  expect((await exchange(2)).outcome).toBe("reset");
  expect(trials(observed).map(({ failed, outcome }) => [failed, outcome])).toEqual([[false, "ok"], [true, "reset"]]);
});

test("a long body is whole before the candidate is asked, and goes to the primary unchanged where that fails", async () => {
  const primary = await server("1");
  const candidate = await server("2", (_request, response) => response.writeHead(500).end());
  const { url } = await stage(primary.url, { deal: () => dealing(candidate.url) });
  const body = Array.from({ length: 40 }, (_, i) => Buffer.alloc(10_000, 97 + (i % 26)));
  const answer = await post(url, body);
  expect([answer.status, ...who(answer.headers)]).toEqual([200, "primary", "error"]);
  const whole = Buffer.concat(body).toString();
  expect([candidate.asked[0]?.body === whole, primary.asked[0]?.body === whole]).toEqual([true, true]);
});

test("a body that can not be kept is the primary's, and no trial", async () => {
  const primary = await server("1");
  const candidate = await server("2");
  const { url, observed } = await stage(primary.url, { deal: () => dealing(candidate.url) }, { keptMax: "50KiB", holdMax: "1KiB" });
  const body = Array.from({ length: 20 }, () => Buffer.alloc(10_000, 97));
  const answer = await post(url, body);
  expect([answer.status, ...who(answer.headers), candidate.asked.length, trials(observed)]).toEqual([200, "primary", "normal", 0, []]);
  expect(primary.asked[0]?.body.length).toBe(200_000);
});

test("while the circuit is open a key keeps its version, and nothing is told as a trial", async () => {
  const primary = await server("1");
  const candidate = await server("2");
  const route: Route = { primary: "blocked", reason: "circuit-open", rung: "small" };
  let deal = dealing(candidate.url);
  const { url, observed } = await stage(primary.url, { deal: () => deal, route: () => route, rungs: [rung("small", fallback())] });
  const dealt = await post(url);
  deal = dealing(candidate.url, { weight: 0 });
  const other = await post(url);
  expect([who(dealt.headers), who(other.headers), trials(observed)]).toEqual([["candidate", "canary"], ["small", "circuit-open"], []]);
});

test("the one trial that ends a probation is left to those who come to the primary", async () => {
  const candidate = await server("2");
  let claimed = 0;
  const { url } = await stage(await deadAddress(), {
    deal: () => dealing(candidate.url),
    route: () => ({ primary: "trial", reason: "circuit-open", rung: "none" }),
    claimTrial: () => {
      claimed += 1;
      return true;
    },
  });
  expect(who((await post(url)).headers)).toEqual(["candidate", "canary"]);
  expect(claimed).toBe(0);
});

test("a person's word goes before the deal, and so does the end of the gateway", async () => {
  const primary = await server("1");
  const candidate = await server("2");
  let route: Route = { primary: "flows", reason: "override", rung: "primary" };
  const { url, gateway, observed } = await stage(primary.url, { deal: () => dealing(candidate.url), route: () => route });
  expect(who((await post(url)).headers)).toEqual(["primary", "override"]);
  route = flowing;
  expect(who((await post(url)).headers)).toEqual(["candidate", "canary"]);
  gateway.drain();
  expect(who((await post(url)).headers)).toEqual(["primary", "normal"]);
  expect(trials(observed)).toHaveLength(1);
});

test("only inferences are dealt", async () => {
  const primary = await server("1");
  const candidate = await server("2");
  const { url } = await stage(primary.url, { deal: () => dealing(candidate.url) });
  await send(url, "/v2/models/employment");
  expect([primary.asked.map(({ path }) => path), candidate.asked]).toEqual([["/v2/models/employment"], []]);
});

test("a client who goes away proves nothing", async () => {
  const primary = await server("1");
  let asked = (): void => {};
  const isAsked = new Promise<void>((resolve) => (asked = resolve));
  const candidate = await server("2", () => asked());
  const { url, observed, exchange, attempts } = await stage(primary.url, { deal: () => dealing(candidate.url) });
  const leaving = new AbortController();
  const gone = fetch(new URL(infer, url), { method: "POST", body: question, signal: leaving.signal }).catch(() => "gone");
  await isAsked;
  leaving.abort();
  expect(await gone).toBe("gone");
  expect((await exchange()).outcome).toBe("cancelled");
  expect([attempts().map(({ backend, outcome }) => [backend, outcome]), trials(observed)]).toEqual([[["candidate", "cancelled"]], []]);
});

test("a candidate in the sidecar is asked as a rung is, and the primary rescues what it can not answer", async () => {
  const primary = await server("1");
  let answer = fallback(answerOf("3"));
  const candidate = rung("whatever", () => Promise.resolve(answer));
  const { url, observed, attempts } = await stage(primary.url, { deal: () => dealing(undefined, { candidate: { kind: "rung", version: "3" } }), candidate });
  const good = await post(url);
  answer = { outcome: "error", detail: "its thread ended" };
  const bad = await post(url);
  expect([who(good.headers), good.headers["pilotfish-model-version"], who(bad.headers), bad.body.toString()]).toEqual([["candidate", "canary"], "3", ["primary", "error"], answerOf("1")]);
  expect(attempts().map(({ backend, outcome }) => [backend, outcome])).toEqual([["candidate", "ok"], ["candidate", "error"], ["primary", "ok"]]);
  expect(trials(observed).map(({ failed, outcome }) => [failed, outcome])).toEqual([[false, "ok"], [true, "error"]]);
});

test("a sampled inference bears its trial; without a judge nothing is told", async () => {
  const primary = await server("1");
  const candidate = await server("2");
  let deal = dealing(candidate.url);
  const { url, observed, samples, exchange } = await stage(primary.url, { deal: () => deal }, { sample: { ratio: 1 } });
  await post(url);
  await exchange(1);
  deal = dealing(candidate.url, { judged: false });
  await post(url);
  await exchange(2);
  expect(samples()).toMatchObject([{ rung: "candidate", trial: { rollout: "r1", candidate: true, weight: 1, key: 0 } }, { rung: "candidate" }]);
  expect([samples()[1]?.trial, trials(observed).length]).toEqual([undefined, 1]);
});

test("what the candidate answers is nobody's last good answer, and no rung is tried by it", async () => {
  const primary = await server("1");
  const candidate = await server("2");
  const remembered: string[] = [];
  const { url } = await stage(primary.url, {
    deal: () => dealing(candidate.url),
    remember: (_question, { body }) => remembered.push(body.toString()),
    qualify: { ratio: 1, offer: (_id, _question, { body }) => remembered.push(body.toString()) },
  });
  await post(url);
  expect(remembered).toEqual([]);
});

test("one candidate after the other: the connections to those before are let go", async () => {
  const primary = await server("1");
  let open = 0;
  let closed = (): void => {};
  const candidates = await Promise.all(
    Array.from({ length: 3 }, () =>
      listen(
        createServer((request, response) => void bodyOf(request).then(() => response.end(answerOf("2")))).on("connection", (socket) => {
          open += 1;
          socket.on("close", () => {
            open -= 1;
            closed();
          });
        }),
      ),
    ),
  );
  let at: number | undefined = 0;
  const { url } = await stage(primary.url, { deal: () => (at === undefined ? undefined : dealing(candidates[at])) });
  for (at = 0; at < candidates.length; at += 1) expect(who((await post(url)).headers)).toEqual(["candidate", "canary"]);
  at = undefined;
  await post(url);
  while (open > 0) await new Promise<void>((resolve) => (closed = resolve));
  expect(open).toBe(0);
});

/** What was offered for copies. */
function offers() {
  const offered: (readonly [ShadowOffer, Question | undefined, ShadowedPrimary])[] = [];
  return { offered, shadow: { offer: (...offer: readonly [ShadowOffer, Question | undefined, ShadowedPrimary]) => void offered.push(offer) } };
}

test("of what the primary answers a share is offered for copies, chosen by the inference's id, with its answer", async () => {
  const primary = await server("1");
  const { offered, shadow } = offers();
  const { url, exchange } = await stage(primary.url, { deal: () => dealing(undefined, { candidate: { kind: "server", version: "2" }, weight: 0, shadow: 0.5 }), shadow });
  const ids = Array.from({ length: 20 }, (_, i) => `i-${i}`);
  for (const id of ids) await post(url, question, { "pilotfish-inference-id": id });
  await exchange(ids.length);
  expect(offered.map(([{ inferenceId }]) => inferenceId)).toEqual(ids.filter((id) => isSampled(id, 0.5)));
  const [offer, asked, { outcome, body }] = offered[0] as (typeof offered)[0];
  expect([offer.rollout, asked?.path, asked?.body.toString(), outcome, Buffer.from(body ?? []).toString()]).toEqual(["r1", infer, question, "ok", answerOf("1")]);
});

test.each<readonly [number, string | undefined]>([
  [500, "error"],
  [429, "overloaded"],
  [400, undefined],
])("a primary that answers %d: a copy is offered as %s", async (status, outcome) => {
  const primary = await server("1", (_request, response) => response.writeHead(status).end("{}"));
  const { offered, shadow } = offers();
  const { url, exchange } = await stage(primary.url, { deal: () => dealing(undefined, { candidate: { kind: "server", version: "2" }, weight: 0, shadow: 1 }), shadow, rungs: [rung("small", fallback())] });
  await post(url);
  await exchange();
  expect(offered.map(([, , told]) => [told.outcome, told.body?.byteLength])).toEqual(outcome === undefined ? [] : [[outcome, 0]]);
});

test("no copy of what the candidate was dealt, and none of an answer that was too long to keep", async () => {
  const primary = await server("1", (_request, response) => response.end(Buffer.alloc(4_000)));
  const candidate = await server("2");
  let deal = dealing(candidate.url, { shadow: 1 });
  const { offered, shadow } = offers();
  const { url, exchange } = await stage(primary.url, { deal: () => deal, shadow }, { sample: { ratio: 0, bodyMax: "1KiB" } });
  await post(url);
  await exchange(1);
  expect(offered).toEqual([]);
  deal = { ...deal, weight: 0 };
  await post(url);
  await exchange(2);
  expect(offered.map(([, , { body }]) => body)).toEqual([undefined]);
});

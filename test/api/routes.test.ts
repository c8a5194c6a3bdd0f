/** What the routes have in common, and those that people read from: history, audit, config; keys of requests that are sent twice. */
import { describe, expect, test } from "vitest";
import { withoutSecrets } from "../../agent/api/config.ts";
import type { Happened } from "../../agent/api/history.ts";
import { replays } from "../../agent/api/replays.ts";
import type { Answer } from "../../agent/api/route.ts";
import { FakeClock } from "../fake-clock.ts";
import { ask, stage } from "./stage.ts";

const scene = stage();

/** As the store does it. */
function kept(all: readonly Happened[]) {
  return async ({ kinds, before = Infinity, limit }: { readonly kinds: readonly string[]; readonly before?: number | undefined; readonly limit: number }) =>
    all.filter(({ kind, id }) => kinds.includes(kind) && id < before).toSorted((a, b) => b.id - a.id).slice(0, limit);
}

describe("history", () => {
  const events = Array.from({ length: 10 }, (_, i): Happened => ({ id: i + 1, atWallMs: i * 1_000, kind: i % 2 === 0 ? "transition" : "audit", detail: { n: i, who: `<b>${i}</b>`, action: "a", result: "done" } }));

  test("page by page, latest first, until there is no next; of one kind where one is asked for", async () => {
    const { port } = await scene.open({}, { events: kept(events) });
    const ids: number[] = [];
    for (let before = ""; ; ) {
      const { items, next } = (await ask(port, `/v1/history?limit=2${before}`)).json as { items: { id: number }[]; next: number | null };
      ids.push(...items.map(({ id }) => id));
      if (next === null) break;
      before = `&before=${next}`;
    }
    expect(ids).toEqual([9, 7, 5, 3, 1]);
    expect(await ask(port, "/v1/history?kind=drift")).toMatchObject({ status: 200, json: { items: [], next: null } });
    expect((await ask(port, "/v1/audit?limit=1")).json).toMatchObject({ items: [{ id: 10, who: "<b>9</b>", at: "1970-01-01T00:00:09.000Z" }], next: 10 });
  });

  test.each(["limit=0", "limit=1001", "limit=x", "limit=1.5", "before=-1", "kind=audit", "limit=1&limit=2"])("%s is refused with its place", async (query) => {
    const { port } = await scene.open();
    expect(await ask(port, `/v1/history?${query}`)).toMatchObject({ status: 400, json: { errors: [{ pointer: expect.stringMatching(/^\?(limit|before|kind)$/) }] } });
  });

  test("the audit as JSON lines, whole; where the store does not answer it is 503, and a file that is cut does not end well", async () => {
    const many = Array.from({ length: 2_500 }, (_, i): Happened => ({ id: i + 1, atWallMs: 0, kind: "audit", detail: { who: "x" } }));
    const { port } = await scene.open({}, { events: kept(many) });
    const answer = await ask(port, "/v1/audit/export");
    const lines = answer.text.trimEnd().split("\n").map((line) => JSON.parse(line) as { id: number });
    expect([answer.headers["content-type"], lines.length, lines[0]?.id, lines.at(-1)?.id]).toEqual(["application/jsonl", 2_500, 2_500, 1]);
    expect((await ask(port, "/v1/audit/export", { headers: { accept: "application/json" } })).status).toBe(406);

    let answers = 1;
    const failing = await scene.open({}, { events: async (query) => ((answers -= 1) < 0 ? undefined : kept(many)(query)) });
    await expect(ask(failing.port, "/v1/audit/export")).rejects.toThrow();
    expect(await ask(failing.port, "/v1/history")).toMatchObject({ status: 503, headers: { "retry-after": "5" } });
  });
});

describe("config", () => {
  test("is shown without a secret, wherever it stands", () => {
    const config = {
      otlp: { endpoint: "https://user:hunter2@collector:4318/x?api_key=hunter2&a=1", headers: { authorization: "Bearer hunter2", "x-team": "hunter2" } },
      alertmanager: { urls: ["http://:hunter2@a:9093", "http://b:9093"], token: "hunter2", password: "hunter2" },
      api: { tokenFile: "/run/token", tokens: [{ name: "boss", role: "admin", file: "/run/boss" }] },
      api_key: "hunter2",
      nested: [{ deep: { clientSecret: "hunter2" } }],
    };
    const shown = withoutSecrets(config);
    expect(JSON.stringify(shown)).not.toContain("hunter2");
    expect(shown).toMatchObject({
      otlp: { endpoint: "https://***@collector:4318/x?api_key=***&a=1" },
      alertmanager: { urls: ["http://***@a:9093", "http://b:9093"] },
      api: config.api,
    });
  });

  test("a reload says what waits for the next start, a bad one every mistake; without a file there is none", async () => {
    const reload = async (deps: Parameters<typeof scene.open>[1]) => ask((await scene.open({}, deps)).port, "/v1/config/reload", { method: "POST" });
    expect(await reload({ reload: async () => ({ ok: true, atNextStart: ["store"] }) })).toMatchObject({ status: 200, json: { reloaded: true, atNextStart: ["store"] } });
    expect(await reload({ reload: async () => ({ ok: false, problems: [{ path: "gateway.port", message: "taken" }] }) })).toMatchObject({ status: 409, json: { errors: [{ pointer: "#/gateway/port", detail: "taken" }] } });
    expect((await reload({ reload: undefined })).status).toBe(409);
    expect(scene.audited().map(({ result }) => result)).toEqual(["done", "refused", "refused"]);
  });
});

describe("what a client can take", () => {
  test.each([
    ["*/*", 200],
    ["application/*;q=0.5", 200],
    ["text/html, application/json;q=0.1", 200],
    ["application/json;q=0, */*", 406],
    ["text/html", 406],
  ])("Accept: %s gives %i", async (accept, status) => {
    const { port } = await scene.open();
    expect((await ask(port, "/v1/state", { headers: { accept } })).status).toBe(status);
  });

  test("a document is sent to HEAD without its body, with its ETag", async () => {
    const { port } = await scene.open();
    const answer = await ask(port, "/v1/state", { method: "HEAD" });
    expect([answer.status, answer.text, answer.headers["etag"]]).toEqual([200, "", (await ask(port, "/v1/state")).headers["etag"]]);
  });

  test("a method that a route has not is 405 with those it has, whatever is sent with it", async () => {
    const { port } = await scene.open();
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY", "PROPFIND"]) {
      expect(await ask(port, "/v1/state", { method, headers: { "content-length": "0" } })).toMatchObject({ status: 405, headers: { allow: "GET, HEAD" } });
    }
  });

  test("what is no UTF-8 is no JSON", async () => {
    const { port } = await scene.open();
    const body = Buffer.concat([Buffer.from('{"inference_id": "'), Buffer.of(0xff), Buffer.from('", "actual": 1}')]);
    expect((await ask(port, "/v1/actuals", { method: "POST", headers: { "content-type": "application/json" }, body })).status).toBe(400);
  });
});

describe("idempotency keys", () => {
  const post = (port: number, key: string | undefined, value: unknown = 1) =>
    ask(port, "/v1/actuals", { method: "POST", headers: { "content-type": "application/json", ...(key !== undefined && { "idempotency-key": key }) }, body: JSON.stringify({ inference_id: "a", actual: value }) });

  test("sent twice, done once, answered twice; with another body it is a mistake", async () => {
    let taken = 0;
    const { port } = await scene.open({}, { actual: () => void (taken += 1) });
    expect([(await post(port, "k")).headers["idempotency-replayed"], (await post(port, "k")).headers["idempotency-replayed"]]).toEqual([undefined, "true"]);
    expect(await post(port, "k")).toMatchObject({ status: 202, json: { accepted: 1 } });
    expect(taken).toBe(1);
    expect((await post(port, "k", 2)).status).toBe(422);
    expect((await post(port, "other", 2)).status).toBe(202);
    expect((await post(port, undefined)).status).toBe(202);
    expect(taken).toBe(3);
    scene.clock().advance(24 * 3_600_000);
    expect((await post(port, "k", 2)).status).toBe(202);
    for (const bad of ["a b", "x".repeat(201)]) expect((await post(port, bad)).status).toBe(400);
  });

  test("while the first is at work the second is told to come back; what failed may be tried again; keys are bounded", async () => {
    const clock = new FakeClock();
    let dropped = 0;
    const table = replays({ clock, dropped: () => void (dropped += 1) });
    const first = Promise.withResolvers<Answer>();
    const done: Answer = { status: 200, body: 1 };
    const once = (key: string, work: () => Promise<Answer>, scope = "s") => table.once({ key, scope, body: undefined }, work);
    const running = once("k", () => first.promise);
    expect(await once("k", async () => done)).toMatchObject({ status: 409 });
    expect(await once("k", async () => done, "another client")).toBe(done);
    first.reject(new Error("broken"));
    await expect(running).rejects.toThrow("broken");
    expect(await once("k", async () => ({ status: 503, problem: "down" }))).toMatchObject({ status: 503 });
    expect(await once("k", async () => done)).toBe(done);

    for (let i = 0; i < 1_100; i += 1) await once(`k${i}`, async () => done);
    expect(dropped).toBe(1_102 - 1_024);
    let again = 0;
    await once("k1099", async () => ((again += 1), done));
    await once("k0", async () => ((again += 1), done));
    expect(again).toBe(1);
  });
});

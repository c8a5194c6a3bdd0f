/** Who gets in, by what they show and from where they come; what they may ask for; and what of it the audit keeps. */
import { once } from "node:events";
import { rmSync, statSync, symlinkSync, renameSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { apiOptions, apiOptionsProblem } from "../../agent/api/options.ts";
import { route } from "../../agent/api/route.ts";
import type { Principal } from "../../agent/principal.ts";
import { subprotocol } from "../../exporters/frames.ts";
import { certificate } from "../certificates.ts";
import { ask, bearing, stage, until } from "./stage.ts";

const scene = stage();

const pollMs = 5_000;

describe("tokens", () => {
  test("one that is replaced, as Kubernetes does it by a symbolic link, counts within seconds and the old one no longer", async () => {
    scene.file("first", "old-secret\n");
    const file = join(scene.folder(), "token");
    symlinkSync("first", file);
    const { port } = await scene.open({ tokens: [{ name: "boss", role: "admin", file }] });
    const status = async (token: string) => (await ask(port, "/v1/state", { headers: bearing(token) })).status;
    expect(await status("old-secret")).toBe(200);

    scene.file("second", "new-secret\n");
    symlinkSync("second", `${file}.new`);
    renameSync(`${file}.new`, file);
    scene.clock().advance(pollMs);
    await until(async () => (await status("new-secret")) === 200);
    expect(await status("old-secret")).toBe(401);
  });

  test("one whose file is gone or empty lets nobody in until it is back", async () => {
    const file = scene.file("token", "a-secret");
    const other = scene.file("other", "other-secret");
    const { port, authenticate } = await scene.open({ tokens: [{ name: "one", role: "act", file }, { name: "other", role: "read", file: other }] });
    for (const withdraw of [() => rmSync(file), () => writeFileSync(file, " \n")]) {
      withdraw();
      await until(() => (scene.clock().advance(pollMs), authenticate("a-secret") === undefined));
      expect((await ask(port, "/v1/state", { headers: bearing("a-secret") })).status).toBe(401);
      expect((await ask(port, "/v1/state", { headers: bearing("other-secret") })).status).toBe(200);
      writeFileSync(file, "a-secret");
      await until(() => (scene.clock().advance(pollMs), authenticate("a-secret") !== undefined));
    }
  });

  test("one ends at its time, and who authenticates by it is told when that is", async () => {
    const file = scene.file("token", "a-secret");
    const { port, authenticate } = await scene.open({ tokens: [{ name: "shift", role: "act", file, expires: "2026-01-01T01:00:00+00:00" }] });
    expect(authenticate("a-secret")).toEqual({ name: "shift", role: "act", expiresAtWallMs: Date.UTC(2026, 0, 1, 1) });
    expect(authenticate("another")).toBeUndefined();
    scene.clock().advance(3_600_000);
    expect(authenticate("a-secret")).toBeUndefined();
    expect(await ask(port, "/v1/state", { headers: bearing("a-secret") })).toMatchObject({ status: 401, json: { detail: "the token has expired" } });
  });

  test("two of one name are refused at the start, since the audit could not tell them apart", () => {
    const tokens = ["a", "b"].map((file) => ({ name: "boss", role: "admin", file }));
    expect(apiOptionsProblem(apiOptions.parse({ tokens }))).toContain('two tokens have the name "boss"');
  });

  test.each(["token", "access_token", "api_key", "Authorization"])("in the URL as %s: refused, with what to do, whoever asks", async (name) => {
    const open = await scene.open();
    expect(await ask(open.port, `/v1/state?${name}=x`)).toMatchObject({ status: 400, json: { detail: expect.stringContaining("Authorization: Bearer") } });
    const guarded = await scene.open({ tokenFile: scene.file("token", "a-secret") });
    expect(await ask(guarded.port, `/v1/state?${name}=a-secret`)).toMatchObject({ status: 401, json: { detail: expect.stringContaining("take this one out of use") } });
    expect((await ask(guarded.port, `/v1/state?${name}=a-secret`, { headers: bearing("a-secret") })).status).toBe(400);
  });
});

describe("the unix socket", () => {
  test("only its owner can open it, and is asked for no token; a page's Host does not matter there", async () => {
    const socketPath = join(scene.folder(), "api.sock");
    const { port } = await scene.open({ socket: socketPath, tokenFile: scene.file("token", "a-secret") });
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    expect((await ask(0, "/v1/config", { socketPath, headers: { host: "pilotfish" } })).status).toBe(200);
    expect((await ask(port, "/v1/config")).status).toBe(401);
  });

  test("what an earlier run left behind is taken over; what another process serves, or is no socket, is not", async () => {
    const socketPath = join(scene.folder(), "api.sock");
    const dead = createServer().listen(socketPath);
    await once(dead, "listening");
    renameSync(socketPath, `${socketPath}.kept`);
    dead.close();
    await once(dead, "close");
    renameSync(`${socketPath}.kept`, socketPath);
    const first = await scene.open({ socket: socketPath });
    expect((await ask(0, "/v1/state", { socketPath })).status).toBe(200);
    await expect(scene.open({ socket: socketPath })).rejects.toThrow("is served by another process");
    await first.close();
    await expect(scene.open({ socket: scene.file("text", "x") })).rejects.toThrow("is no socket");
  });
});

describe("TLS", () => {
  const authority = certificate({ name: "authority", authority: true });
  const server = certificate({ name: "server", by: authority });
  const material = () => ({ cert: scene.file("tls.crt", server.cert), key: scene.file("tls.key", server.key) });

  test("a new certificate is served within seconds, one that can not be used is not, and no connection is lost", async () => {
    const tls = material();
    const { port } = await scene.open({ tls });
    const next = certificate({ name: "next", by: authority });
    expect((await ask(port, "/v1/state", { tls: { ca: authority.cert } })).status).toBe(200);
    const name = async () => {
      const { connect: secure } = await import("node:tls");
      const socket = secure({ port, host: "127.0.0.1", ca: authority.cert });
      await once(socket, "secureConnect");
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      return CN;
    };
    expect(await name()).toBe("server");
    writeFileSync(tls.cert, next.cert);
    scene.clock().advance(pollMs);
    expect(await name()).toBe("server");
    writeFileSync(tls.key, next.key);
    await until(async () => {
      scene.clock().advance(pollMs);
      return (await name()) === "next";
    });
  });

  test("mutual: only clients of the authority connect, and each has the role of its certificate's subject", async () => {
    const tls = { ...material(), clientCa: scene.file("ca.crt", authority.cert) };
    const { port } = await scene.open({ tls, clients: [{ subject: { CN: "dashboard" }, role: "read" }, { subject: { CN: "boss" }, role: "admin" }], tokenFile: scene.file("token", "a-secret") });
    const as = (client: ReturnType<typeof certificate> | undefined, path: string, headers = {}) => ask(port, path, { headers, tls: { ca: authority.cert, ...(client && { cert: client.cert, key: client.key }) } });
    const dashboard = certificate({ name: "dashboard", by: authority });
    const stranger = certificate({ name: "stranger", by: authority });
    expect((await as(dashboard, "/v1/state")).status).toBe(200);
    expect(await as(dashboard, "/v1/config")).toMatchObject({ status: 403, json: { detail: expect.stringContaining('"CN=dashboard" has the role read') } });
    expect((await as(certificate({ name: "boss", by: authority }), "/v1/config")).status).toBe(200);
    expect((await as(stranger, "/v1/state")).status).toBe(401);
    expect((await as(stranger, "/v1/config", bearing("a-secret"))).status).toBe(200);
    await expect(as(undefined, "/v1/state")).rejects.toThrow();
    await expect(as(certificate({ name: "boss" }), "/v1/state")).rejects.toThrow();
  });

  test("roles for certificates without an authority are refused, and so is a key of another certificate", async () => {
    expect(apiOptionsProblem(apiOptions.parse({ tls: material(), clients: [{ subject: { CN: "x" }, role: "read" }] }))).toContain("api.tls.clientCa");
    const wrong = { ...material(), key: scene.file("other.key", authority.key) };
    await expect(scene.open({ tls: wrong })).rejects.toThrow(/^api\.tls\.cert: .* can not be used/);
  });
});

describe("pages of other sites", () => {
  test("may change nothing, whatever the browser lets them send", async () => {
    const { port } = await scene.open();
    const post = (headers: Record<string, string>, body = '{"inference_id": "a", "actual": 1}') => ask(port, "/v1/actuals", { method: "POST", headers, body });
    expect((await post({ "content-type": "application/json", "sec-fetch-site": "cross-site" })).status).toBe(403);
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]) expect((await post({ "content-type": type })).status).toBe(415);
    expect((await post({ "content-type": "application/json", "sec-fetch-site": "same-origin" })).status).toBe(202);
    expect((await ask(port, "/v1/config/reload", { method: "POST", headers: { "sec-fetch-site": "cross-site" } })).status).toBe(403);
  });
});

describe("limits", () => {
  test("who asks too often is told when to come back, and others are served", async () => {
    const tokens = ["one", "other"].map((name) => ({ name, role: "read", file: scene.file(name, `${name}-secret`) }));
    const { port } = await scene.open({ tokens, limits: { requests: 2 } });
    const status = async (name: string) => (await ask(port, "/v1/state", { headers: bearing(`${name}-secret`) })).status;
    expect(await Promise.all([1, 2, 3, 4].map(() => status("one")))).toEqual([200, 200, 200, 200]);
    const over = await ask(port, "/v1/state", { headers: bearing("one-secret") });
    expect([over.status, over.headers["retry-after"]]).toEqual([429, "1"]);
    expect(await status("other")).toBe(200);
    scene.clock().advance(500);
    expect(await status("one")).toBe(200);
  });

  test("guessing tokens runs into the same limit, by address", async () => {
    const { port } = await scene.open({ tokenFile: scene.file("token", "a-secret"), limits: { requests: 1 } });
    const guess = async () => (await ask(port, "/v1/state", { headers: bearing("a-guess") })).status;
    expect([await guess(), await guess(), await guess()]).toEqual([401, 401, 429]);
    expect((await ask(port, "/v1/state", { headers: bearing("a-secret") })).status).toBe(200);
  });

  test("bytes count, announced or not", async () => {
    const { port } = await scene.open({ limits: { bytes: "100B" }, bodyMax: "1KiB" });
    const body = JSON.stringify({ inference_id: "a", actual: "x".repeat(900) });
    const post = async (headers: Record<string, string>) => (await ask(port, "/v1/actuals", { method: "POST", headers: { "content-type": "application/json", ...headers }, body })).status;
    expect(await post({ "transfer-encoding": "chunked" })).toBe(202);
    expect(await post({ "content-length": String(body.length) })).toBe(429);
    scene.clock().advance(10_000);
    expect(await post({ "content-length": String(body.length) })).toBe(202);
  });

  test("a body of 10 GB is refused by its announced size, and one without a size at the bound", async () => {
    const { port } = await scene.open();
    const announced = connect(port, "127.0.0.1");
    announced.write("POST /v1/references HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 10737418240\r\n\r\n{");
    expect(String((await once(announced, "data"))[0])).toContain("HTTP/1.1 413 ");
    announced.destroy();
    const endless = connect(port, "127.0.0.1");
    endless.on("error", () => {});
    endless.write("POST /v1/references HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n");
    endless.write(`4001\r\n${"x".repeat(0x4001)}\r\n`);
    expect(String((await once(endless, "data"))[0])).toContain("HTTP/1.1 413 ");
    endless.destroy();
  });

  test("connections of one address are bounded", async () => {
    let dropped = 0;
    const { port } = await scene.open({ limits: { connectionsPerClient: 2 } }, { dropped: (what) => void (what === "connections" && (dropped += 1)) });
    const open = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1")];
    await Promise.all(open.map((socket) => once(socket, "connect")));
    const third = connect(port, "127.0.0.1").on("error", () => {});
    await once(third, "close");
    expect(dropped).toBe(1);
    open[0]?.destroy();
    await until(async () => {
      const again = connect(port, "127.0.0.1").on("error", () => {});
      again.write("GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
      const served = await Promise.race([once(again, "data").then(() => true), once(again, "close").then(() => false)]);
      again.destroy();
      return served;
    });
    open[1]?.destroy();
  });

  test("a websocket comes with who it is, and is closed where it floods", async () => {
    const connected: (Principal | undefined)[] = [];
    const file = scene.file("token", "a-secret");
    const { port } = await scene.open({ tokens: [{ name: "server", role: "read", file }], limits: { frames: 1 } }, { connect: (_socket, _remote, principal) => void connected.push(principal) });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/signals`, subprotocol, { headers: bearing("a-secret") });
    await once(socket, "open");
    expect(connected).toEqual([{ name: "server", role: "read" }]);
    for (let i = 0; i < 11; i += 1) socket.send("{}");
    const [code] = await once(socket, "close");
    expect(code).toBe(1_008);
  });
});

describe("the audit", () => {
  test("keeps who decided what, and who was refused; reads are not kept", async () => {
    const tokens = [{ name: "boss", role: "admin", file: scene.file("boss", "boss-secret") }, { name: "dash", role: "read", file: scene.file("dash", "dash-secret") }];
    const { port } = await scene.open({ tokens });
    const reload = (headers = {}) => ask(port, "/v1/config/reload", { method: "POST", headers });
    await reload();
    await reload(bearing("dash-secret"));
    await reload(bearing("boss-secret"));
    await ask(port, "/v1/config", { headers: bearing("boss-secret") });
    await ask(port, "/v1/config", { headers: bearing("dash-secret") });
    const atWallMs = scene.clock().wallMs();
    expect(scene.audited()).toMatchObject([
      { atWallMs, who: "unknown", role: "read", action: "config.reload", result: "refused", detail: { status: 401 } },
      { atWallMs, who: "dash", role: "read", action: "config.reload", result: "refused", detail: { status: 403 } },
      { atWallMs, who: "boss", role: "admin", action: "config.reload", result: "done" },
    ]);
  });

  test("is not washed out by who keeps guessing, and data that comes by the thousand is no decision", async () => {
    let dropped = 0;
    const { port } = await scene.open({ tokenFile: scene.file("token", "a-secret"), limits: { requests: 10_000 } }, { dropped: (what) => void (what === "audit" && (dropped += 1)) });
    for (let i = 0; i < 70; i += 1) await ask(port, "/v1/config/reload", { method: "POST" });
    expect([scene.audited().length, dropped]).toEqual([60, 10]);
    await ask(port, "/v1/actuals", { method: "POST", headers: { "content-type": "application/json", ...bearing("a-secret") }, body: '{"inference_id": "a", "actual": 1}' });
    expect(scene.audited()).toHaveLength(60);
  });

  test("keeps what failed as refused, and HTML in names and reasons as the text it is", async () => {
    const html = "<img src=x onerror=alert(1)>";
    const broken = route({
      method: "POST", path: "/v1/broken/{id}", name: "broken", role: "act", summary: "", answers: {},
      handle: ({ params }) => {
        if (params["id"] === "throw") throw new Error("a secret path");
        return { status: 409, problem: html };
      },
    });
    const { port } = await scene.open({}, { routes: [broken] });
    const answer = await ask(port, "/v1/broken/throw", { method: "POST" });
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain("secret");
    const refused = await ask(port, `/v1/broken/${encodeURIComponent(html)}`, { method: "POST" });
    expect(refused).toMatchObject({ status: 409, json: { detail: html }, headers: { "content-type": "application/problem+json; charset=utf-8", "x-content-type-options": "nosniff" } });
    expect(scene.audited()).toMatchObject([{ action: "broken", subject: "throw", result: "refused" }, { action: "broken", subject: html, reason: html, result: "refused" }]);
  });
});

test("off loopback somebody must be asked for something: a token or a certificate", async () => {
  expect(apiOptionsProblem(apiOptions.parse({ host: "0.0.0.0", tokens: [{ name: "a", role: "read", file: "x" }] }))).toBeUndefined();
  expect(apiOptionsProblem(apiOptions.parse({ host: "0.0.0.0", tls: { cert: "a", key: "b", clientCa: "c" }, clients: [{ subject: { CN: "a" }, role: "read" }] }))).toBeUndefined();
  expect(apiOptionsProblem(apiOptions.parse({ host: "0.0.0.0", tls: { cert: "a", key: "b", clientCa: "c" } }))).toContain("is not loopback");
});

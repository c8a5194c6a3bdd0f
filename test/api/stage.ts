/** The control API on a fake clock, with nothing behind its routes but what a test puts there; and who asks it. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from "node:http";
import { request as httpsRequest, type RequestOptions as TlsRequestOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { api, type ApiDeps, type RunningApi } from "../../agent/api/api.ts";
import { apiOptions } from "../../agent/api/options.ts";
import type { AuditEntry } from "../../agent/audit.ts";
import type { Close } from "../../agent/lifecycle.ts";
import { silent } from "../../agent/log.ts";
import { routes, type RoutesDeps } from "../../agent/routes.ts";
import { FakeClock } from "../fake-clock.ts";

export type Deps = Omit<ApiDeps, "routes"> & RoutesDeps;

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: unknown;
}

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Of a connection with TLS, or to a unix socket. */
  readonly tls?: TlsRequestOptions;
  readonly socketPath?: string;
}

const noRollouts: Deps["rollouts"] = {
  current: () => undefined,
  start: async () => ({ ok: false, why: "conflict", detail: "not here" }),
  promote: () => ({ ok: false, why: "unknown", detail: "there is no rollout" }),
  abort: () => ({ ok: false, why: "unknown", detail: "there is no rollout" }),
  versions: () => ({ current: undefined, lastKnownGood: undefined, goodSinceWallMs: undefined, dwellMs: 0, before: [] }),
};

const nothingKept = async () => ({ result: "missing" as const, message: "there is none" });

/** Call it once in a test file: opens are closed after each test. */
export function stage() {
  let folder: string;
  let clock: FakeClock;
  let audited: AuditEntry[];
  let closing: Close[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pilotfish-access-"));
    clock = new FakeClock();
    audited = [];
    closing = [];
  });
  afterEach(async () => {
    for (const close of closing.reverse()) await close();
    rmSync(folder, { recursive: true });
  });

  return {
    clock: () => clock,
    audited: () => audited,
    /** The path of a new file in the test's folder. */
    file(name: string, text: string): string {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    },
    folder: () => folder,
    async open(options: Readonly<Record<string, unknown>> = {}, changed: Partial<Deps> & Partial<Pick<ApiDeps, "routes">> = {}): Promise<RunningApi & { readonly port: number }> {
      const deps: Deps = {
        clock,
        log: silent,
        version: "test",
        ready: () => ({ ready: true, reasons: [] }),
        metrics: (_, response) => void response.end("pilotfish_up 1\n"),
        audit: (entry) => void audited.push(entry),
        answered: () => {},
        dropped: () => {},
        connect: (socket) => socket.close(),
        state: () => ({ status: "healthy" }),
        retrain: { view: async () => ({ enabled: false, waits: undefined, window: undefined, requests: [] }), request: () => ({ ok: false, detail: "it is off" }) },
        snapshot: () => ({}) as ReturnType<Deps["snapshot"]>,
        stream: () => false,
        actual: () => {},
        events: async () => [],
        samples: () => ({ ok: true, accepted: 0, ignored: 0 }),
        config: () => ({}),
        reload: async () => ({ ok: true, atNextStart: [] }),
        referencesSizeMax: 16_384,
        references: { list: () => ({ active: null, configured: null, references: [] }), upload: nothingKept, activate: nothingKept, rollBack: nothingKept, remove: nothingKept },
        overrides: { current: () => undefined, decide: () => ({ ok: false, detail: "not here" }), release: () => undefined },
        reviews: { list: () => ({ reviews: [], next: undefined }), get: () => undefined, answer: () => ({ ok: false, why: "unknown", detail: "not here" }) },
        recordings: { list: async () => [], read: async () => undefined },
        rollouts: noRollouts,
        features: async () => undefined,
        recorded: () => ({ timesMs: new Float64Array(), series: [], events: [] }),
        ...changed,
      };
      const running = await api(apiOptions.parse({ port: 0, ...options }), { ...deps, routes: changed.routes ?? routes(deps) }).start();
      closing.push(running.close);
      return { ...running, port: running.address.port };
    },
  };
}

/** node:http rather than fetch, which does not let a test choose Host and Origin. */
export async function ask(port: number, path: string, { method = "GET", headers = {}, body, tls, socketPath }: Sent = {}): Promise<Reply> {
  const options: RequestOptions = { ...(socketPath === undefined ? { host: "127.0.0.1", port } : { socketPath }), path, method, headers, agent: false };
  const request = tls === undefined ? httpRequest(options) : httpsRequest({ ...options, ...tls });
  request.end(body);
  const [response] = await once(request, "response");
  const text = (await response.setEncoding("utf8").toArray()).join("");
  const json: unknown = /json$|json;/.test(response.headers["content-type"] ?? "") && text !== "" ? JSON.parse(text) : undefined;
  return { status: response.statusCode, headers: response.headers, text, json };
}

export function bearing(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` };
}

/** Real files and sockets take turns of the loop; the clock stands still meanwhile. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 5_000; i += 1) {
    if (await isSo()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("it did not come to that");
}

/**
 * Every route of the table, asked by everybody there is, of a whole agent: who is let in follows from the route's role and from
 * nothing else. Rooms that bring new routes are in it without a word here.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startAgent, type RunningAgent } from "../../agent/agent.ts";
import { inlineAnalysis } from "../../agent/analysis-inline.ts";
import { parseConfig } from "../../agent/config/config.ts";
import { silent } from "../../agent/log.ts";
import { roles } from "../../agent/principal.ts";
import { bareRoutes } from "../../agent/routes.ts";
import { FakeClock } from "../fake-clock.ts";
import { ask, bearing } from "./stage.ts";

const table = bareRoutes("test");

const who = ["nobody", "wrong", "expired", ...roles] as const;
type Who = (typeof who)[number];

let folder: string;
let agent: RunningAgent;
const clock = new FakeClock(Date.UTC(2026, 0, 1));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pilotfish-matrix-"));
  const tokens = [...roles, "expired" as const].map((name) => {
    writeFileSync(join(folder, name), `${name}-secret`);
    return { name, role: name === "expired" ? "admin" : name, file: join(folder, name), ...(name === "expired" && { expires: "2025-12-31T23:59:59Z" }) };
  });
  const parsed = parseConfig(
    JSON.stringify({
      server: { url: "http://127.0.0.1:9", protocol: "open-inference" },
      model: { name: "m" },
      gateway: { host: "127.0.0.1", port: 0, linger: "1ms" },
      api: { port: 0, tokens },
      metrics: { host: "127.0.0.1", port: 0 },
      collectors: { server: { metrics: "off", pid: 1 }, gpu: { backend: "off" } },
    }),
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  agent = await startAgent(parsed.config, { clock, log: silent, version: "test", analysis: inlineAnalysis });
});

afterAll(async () => {
  let done = false;
  const closed = agent.close().finally(() => (done = true));
  while (!done) {
    clock.advance(50);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await closed;
  rmSync(folder, { recursive: true });
});

function headersOf(one: Who): Record<string, string> {
  return one === "nobody" ? {} : { ...bearing(one === "wrong" ? "no-secret-of-ours" : `${one}-secret`) };
}

describe.each(table.map((route) => [`${route.method} ${route.path}`, route] as const))("%s", (_, route) => {
  test.each(who)("asked by %s", async (one) => {
    const path = route.path.replaceAll(/\{\w+\}/g, "0".repeat(64));
    const answer = await ask(agent.listeners.api.port, path, { method: route.method, headers: headersOf(one) });
    const rank = (roles as readonly string[]).indexOf(one);
    if (rank < 0) {
      expect(answer).toMatchObject({ status: 401, json: { status: 401 } });
      expect(answer.headers["www-authenticate"]).toMatch(one === "expired" ? /^Bearer error="invalid_token"$/ : /^Bearer$/);
    } else if (rank < roles.indexOf(route.role)) {
      expect(answer).toMatchObject({ status: 403, json: { status: 403 } });
    } else {
      expect([401, 403]).not.toContain(answer.status);
      expect(answer.status).toBeLessThan(500);
    }
  });
});

test("the table has a route for each role, and names are unique", () => {
  expect([...new Set(table.map(({ role }) => role))].sort()).toEqual([...roles].sort());
  const names = table.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

/** The routes of overrides, asked as the server asks them. */
import { expect, test } from "vitest";
import { overrideRoutes } from "../../agent/api/overrides.ts";
import type { Answer } from "../../agent/api/route.ts";
import type { Override, OverrideAsked } from "../../agent/override.ts";
import type { Principal } from "../../agent/principal.ts";
import { askRoute } from "./routes.ts";

const ada: Principal = { name: "ada", role: "act" };
const standing: Override = { id: "7", action: "pin", rung: "small", owner: "ada", reason: "nonsense", atWallMs: 0, untilWallMs: 3_600_000 };

function stage(current?: Override) {
  const asked: OverrideAsked[] = [];
  const released: (string | undefined)[] = [];
  const routes = overrideRoutes({
    current: () => current,
    decide(one) {
      asked.push(one);
      return one.rung === "big" ? { ok: false, detail: 'there is no rung "big"; there are primary, small' } : { ok: true, override: standing, warnings: ["it may not answer"] };
    },
    release(_, reason) {
      released.push(reason);
      return current;
    },
  });
  const ask = (method: string, path: string, more: object = {}): Promise<Answer> => askRoute(routes, method, path, { principal: ada, ...more });
  return { asked, released, ask };
}

test("a pin is taken with its defaults and answered as it stands, warnings beside it", async () => {
  const { ask, asked } = stage();
  expect(await ask("POST", "/v1/overrides", { body: { action: "pin", rung: "small", reason: "  nonsense " } })).toEqual({
    status: 201,
    body: { override: { id: "7", action: "pin", rung: "small", owner: "ada", reason: "nonsense", at: "1970-01-01T00:00:00.000Z", until: "1970-01-01T01:00:00.000Z" }, warnings: ["it may not answer"] },
  });
  expect(asked).toEqual([{ action: "pin", rung: "small", reason: "nonsense", ttlMs: 3_600_000, owner: "ada" }]);
  await ask("POST", "/v1/overrides", { body: { action: "drain", reason: "node", ttl: "24h", owner: "bob <b>" } });
  expect(asked[1]).toEqual({ action: "drain", rung: undefined, reason: "node", ttlMs: 86_400_000, owner: "bob <b>" });
});

test.for<readonly [string, object, string]>([
  ["no reason", { action: "hold" }, "#/reason"],
  ["an empty one", { action: "hold", reason: "  " }, "#/reason"],
  ["one of two lines", { action: "hold", reason: "a\nb" }, "#/reason"],
  ["a ttl over a day", { action: "hold", reason: "x", ttl: "25h" }, "#/ttl"],
  ["one without a unit", { action: "hold", reason: "x", ttl: 3_600 }, "#/ttl"],
  ["one of nothing", { action: "hold", reason: "x", ttl: "0s" }, "#/ttl"],
  ["a pin of nothing", { action: "pin", reason: "x" }, "#/rung"],
  ["a drain of a rung", { action: "drain", reason: "x", rung: "small" }, "#/rung"],
  ["an action that is none", { action: "eject", reason: "x" }, "#/action"],
])("%s is refused where it stands", async ([, body, pointer]) => {
  const { ask, asked } = stage();
  expect(await ask("POST", "/v1/overrides", { body })).toMatchObject({ status: 400, errors: [{ pointer }] });
  expect(asked).toEqual([]);
});

test("a rung that there is not is refused with those that there are", async () => {
  expect(await stage().ask("POST", "/v1/overrides", { body: { action: "pin", rung: "big", reason: "x" } })).toMatchObject({
    status: 400,
    problem: 'there is no rung "big"; there are primary, small',
    errors: [{ pointer: "#/rung" }],
  });
});

test("the one in force is listed and released, by its id or as the current one", async () => {
  expect(await stage().ask("GET", "/v1/overrides")).toEqual({ status: 200, body: { overrides: [] } });
  expect(await stage().ask("DELETE", "/v1/overrides/current")).toEqual({ status: 404, problem: "no override is in force" });
  const { ask, released } = stage(standing);
  expect(await ask("GET", "/v1/overrides")).toMatchObject({ body: { overrides: [{ id: "7" }] } });
  expect(await ask("DELETE", "/v1/overrides/6")).toMatchObject({ status: 404, problem: "the override 6 is not in force any more; 7 is" });
  expect(released).toEqual([]);
  expect(await ask("DELETE", "/v1/overrides/7", { query: { reason: "done" } })).toMatchObject({ status: 200, body: { override: { id: "7" } } });
  expect(await ask("DELETE", "/v1/overrides/current")).toMatchObject({ status: 200 });
  expect(released).toEqual(["done", undefined]);
});

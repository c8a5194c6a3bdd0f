/** The routes of training anew, asked as the server asks them. */
import { expect, test } from "vitest";
import { retrainRoutes } from "../../agent/api/retrain.ts";
import type { RetrainRequest } from "../../agent/retrain-view.ts";
import { askRoute } from "./routes.ts";

const made: RetrainRequest = {
  id: "0f8fad5b-d9cb-469f-a165-70867728950e", model: "m", atWallMs: 0, who: "ada", why: { streams: [], reason: "new year" }, state: "writing", window: undefined, problem: undefined, deliveries: [],
};

function stage(taken: boolean) {
  const asked: unknown[][] = [];
  const routes = retrainRoutes({
    view: async () => ({ enabled: true, waits: "no alarm", window: { rows: 3, actuals: 1, bytes: 9, fromWallMs: 0, toWallMs: 1_000, letGo: 2, contradicted: 0 }, requests: [made] }),
    request(...given) {
      asked.push(given);
      return taken ? { ok: true, request: made } : { ok: false, detail: "it is off" };
    },
  });
  return { asked, ask: (method: string, more: object = {}) => askRoute(routes, method, "/v1/retrain", { principal: { name: "ada", role: "act" }, ...more }) };
}

test("requests are shown with what a window would carry now; what is not known is null", async () => {
  const shown = { id: made.id, model: "m", at: "1970-01-01T00:00:00.000Z", by: "ada", reason: "new year", streams: [], state: "writing", window: null, problem: null, deliveries: [] };
  expect(JSON.parse(JSON.stringify(await stage(true).ask("GET")))).toEqual({
    status: 200,
    body: { enabled: true, waits: "no alarm", window: { rows: 3, actuals: 1, bytes: 9, from: "1970-01-01T00:00:00.000Z", to: "1970-01-01T00:00:01.000Z", let_go: 2, contradicted: 0 }, requests: [shown] },
  });
});

test("a person's request says who and why to the audit, also where it is refused", async () => {
  const { ask, asked } = stage(true);
  expect(await ask("POST", { body: { reason: " new year " } })).toMatchObject({ status: 202, body: { id: made.id }, audit: { subject: made.id, reason: "new year" } });
  expect(asked).toEqual([[{ name: "ada", role: "act" }, "new year"]]);
  expect(await stage(false).ask("POST", { body: { reason: "why" } })).toEqual({ status: 409, problem: "it is off", audit: { reason: "why" } });
  for (const body of [{ reason: "" }, { why: "x" }, { reason: "x".repeat(501) }]) expect(await ask("POST", { body })).toMatchObject({ status: 400 });
});

/** `pilotfish retrain` before an API of a few lines. */
import { expect, test } from "vitest";
import { call } from "./call.ts";
import { fakeApi } from "./fake-api.ts";

const request = {
  id: "0f8fad5b-d9cb-469f-a165-70867728950e", at: "2026-01-02T00:00:00.000Z", by: "pilotfish", reason: null, state: "undelivered", problem: null,
  streams: [{ stream: "features", culprits: ["age\u001b[31m"] }], window: { location: "/windows/m.parquet", rows: 20, actuals: 4 },
  deliveries: [{ target: "0 airflow", state: "refused", attempts: 1, detail: "status 404" }],
};

test("without a word it lists requests, what a window would carry, and what the next one waits for", async () => {
  const { url } = await fakeApi(() => [200, { enabled: true, waits: "no alarm that asks for it fires", window: { rows: 21, actuals: 5 }, requests: [request] }]);
  const { out, code } = await call(["retrain", "--api", url]);
  expect(code).toBe(0);
  expect(out).toContain("undelivered 0f8fad5b-d9cb-469f-a165-70867728950e by pilotfish at 2026-01-02T00:00:00.000Z: features (age");
  expect(out).not.toContain("\u001b[31m");
  expect(out).toContain("    /windows/m.parquet: 20 rows, 4 with their true answer\n    0 airflow: refused after 1 (status 404)\na window would carry 21 rows now, 5 with their true answer\nno alarm that asks for it fires\n");
});

test("request asks with a reason; what the API refuses is said", async () => {
  const { url, asked } = await fakeApi((_, body) => ((body as { reason?: string }).reason === undefined ? [409, { detail: "nothing is kept to train on: set retrain.enabled" }] : [202, { ...request, state: "writing", window: null, reason: "new year", deliveries: [] }]));
  expect(await call(["retrain", "request", "--reason", "new year", "--api", url])).toMatchObject({ code: 0, out: "writing 0f8fad5b-d9cb-469f-a165-70867728950e by pilotfish at 2026-01-02T00:00:00.000Z: new year\n" });
  expect(asked.map(({ route, body }) => [route, body])).toEqual([["POST /v1/retrain", { reason: "new year" }]]);
  expect(await call(["retrain", "request", "--api", url])).toMatchObject({ code: 1, err: expect.stringContaining("set retrain.enabled") as string });
});

test("a word that is none, and a reason for nothing, are bad input", async () => {
  expect(await call(["retrain", "now"])).toMatchObject({ code: 2, err: expect.stringContaining('expected request, got "now"') as string });
  expect(await call(["retrain", "--reason", "x"])).toMatchObject({ code: 2 });
});

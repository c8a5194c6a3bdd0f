/** Rollouts by the API: what people start and end, and what Flagger and Argo Rollouts are told. */
import { expect, test } from "vitest";
import type { RolloutView } from "../../agent/rollout-view.ts";
import { rolloutSchema } from "../../agent/api/rollout-shown.ts";
import { aborted, beganAtMs, comparison, harmful, notWorse, reading, rolloutStandIn, versions, view } from "../rollout/stand-in.ts";
import { ask, bearing, stage } from "./stage.ts";

const at = stage();

async function opened(first?: RolloutView) {
  at.clock().advance(beganAtMs + 45_000 - at.clock().wallMs());
  const standIn = rolloutStandIn(first);
  const { port } = await at.open({}, { rollouts: standIn.controls });
  const post = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) => ask(port, path, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });
  return { ...standIn, port, post, get: (path: string) => ask(port, path) };
}

test("before there was one, null; then started, sent on to all of the traffic, and taken away after all", async () => {
  const { get, post, decided } = await opened();
  expect(await get("/v1/rollout")).toMatchObject({ status: 200, json: { rollout: null } });
  expect(await post("/v1/rollout/promote", {})).toMatchObject({ status: 404, json: { detail: "there is no rollout" } });
  expect(await post("/v1/rollout", { candidate: { version: "2" }, mode: "canary", reason: " the new month " })).toMatchObject({ status: 201, json: { rollout: { name: "version 2", phase: "trying", step: 1, weight: 0.1, started_by: "local" } } });
  expect(await post("/v1/rollout", {})).toMatchObject({ status: 409, json: { detail: "a rollout of version 2 runs; abort it first" } });
  expect(await post("/v1/rollout/promote", { reason: "looks fine" })).toMatchObject({ status: 200, json: { rollout: { step: 2, weight: 0.5 } } });
  expect(await post("/v1/rollout/promote", {})).toMatchObject({ status: 200, json: { rollout: { phase: "promoted", weight: 1 } } });
  expect(await post("/v1/rollout/abort", { reason: "it is not" })).toMatchObject({ status: 200, json: { rollout: { phase: "aborted", weight: 0 } } });
  expect(await post("/v1/rollout/abort", {})).toMatchObject({ status: 409 });
  expect(decided.map(({ what, reason, asked }) => [what, asked?.reason ?? reason])).toEqual([["promote", undefined], ["start", "the new month"], ["start", undefined], ["promote", "looks fine"], ["promote", undefined], ["abort", "it is not"], ["abort", undefined]]);
});

test("all of it is shown, times as ISO 8601 and spans in seconds; what is not known is left out, what JSON can not say too", async () => {
  const endless = reading({ comparisons: [comparison({ name: "errors", log10Evidence: -Infinity, low: -Infinity, high: Infinity })] });
  const { get } = await opened(view({ reading: endless, actuations: aborted.actuations }));
  const { json } = await get("/v1/rollout");
  const { rollout } = json as { rollout: Record<string, unknown> };
  expect(rolloutSchema.parse(rollout)).toEqual(rollout);
  expect(rollout).toMatchObject({
    id: "r-7", candidate: { version: "2" }, primary_version: "1", steps: [{ weight: 0.1, hold_seconds: 60, time_box_seconds: 600 }, { weight: 0.5 }],
    started_at: "2026-01-01T12:00:00.000Z", hold_until: "2026-01-01T12:01:00.000Z",
    reading: { verdict: "continue", requests: { candidate: 1_204, primary: 10_871 } },
    actuations: [{ actuator: "weights", result: "done" }, { actuator: "repository", result: "failed", attempts: 3 }],
  });
  expect((rollout["reading"] as { comparisons: unknown[] }).comparisons).toEqual([{ name: "errors", verdict: "continue", log10_evidence: -999, threshold: 2.3, effect: 0.004, minimum_harm: 0.01, margin: 0.02, unit: "ratio", events: 41, effective: 38 }]);
  expect((await get("/v1/versions")).json).toEqual({
    current: { version: "1", digest: "sha256:11aa", reference: "b7e1", since: "2025-12-31T12:00:00.000Z" },
    last_known_good: { version: "1", digest: "sha256:11aa", reference: "b7e1", since: "2025-12-31T12:00:00.000Z", held_until: "2026-01-01T12:00:00.000Z" },
    good_since: new Date(versions.goodSinceWallMs ?? 0).toISOString(),
    dwell_seconds: 3_600,
    before: [{ version: "0", reference: "b7e1", since: new Date(beganAtMs - 900_000_000).toISOString() }],
  });
});

test("a candidate that can not be tried is refused with each reason; a retry with its key is started once", async () => {
  const { post, refuse, decided } = await opened();
  refuse({ ok: false, why: "unfit", detail: "version 2 can not be tried", problems: ["it lacks the output income", "AGEP is FP64 there and FP32 here"] });
  expect(await post("/v1/rollout", { candidate: { version: "2" } })).toMatchObject({
    status: 422,
    json: { detail: "version 2 can not be tried", errors: [{ pointer: "#", detail: "it lacks the output income" }, { pointer: "#", detail: "AGEP is FP64 there and FP32 here" }] },
  });
  refuse(undefined);
  const once = () => post("/v1/rollout", { candidate: { version: "2" } }, { "idempotency-key": "deploy-17" });
  expect([(await once()).status, (await once()).headers["idempotency-replayed"]]).toEqual([201, "true"]);
  expect(decided.length).toBe(2);
});

test.for<readonly [unknown, string]>([
  [{ candidate: {} }, "#/candidate"],
  [{ candidate: { url: "ftp://model:1" } }, "#/candidate/url"],
  [{ candidate: { url: "http://ada:secret@model:1" } }, "#/candidate/url"],
  [{ candidate: { version: "2\n3" } }, "#/candidate/version"],
  [{ candidate: { version: "2", model: "x" } }, "#/candidate"],
  [{ mode: "blue-green" }, "#/mode"],
  [{ weight: 0.5 }, "#"],
])("%j is bad input, and nothing is started", async ([body, pointer]) => {
  const { post, decided } = await opened();
  expect(await post("/v1/rollout", body)).toMatchObject({ status: 400, json: { errors: [{ pointer }] } });
  expect(decided).toEqual([]);
});

const fromFlagger = { name: "podinfo", namespace: "test", phase: "Progressing", checksum: "85f557d47b", metadata: { owner: "ada" } };

test.for<readonly [string, RolloutView | undefined, number, number, string | undefined]>([
  ["none", undefined, 404, 404, undefined],
  ["nothing is found yet", view(), 409, 409, "continue"],
  ["the judge has said nothing yet", view({ reading: undefined }), 409, 409, "continue"],
  ["harm, and a person is asked", view({ phase: "asking", reason: "harm", reading: harmful }), 200, 409, "harm"],
  ["a person is asked about harm, and it looks better since", view({ phase: "asking", reason: "harm", reading: notWorse }), 200, 409, "harm"],
  ["aborted", aborted, 200, 409, "harm"],
  ["aborted by a person, whatever the judge says", view({ phase: "aborted", reason: "person", weight: 0, sinceWallMs: beganAtMs, reading: notWorse }), 200, 409, "harm"],
  ["not worse", view({ reading: notWorse }), 409, 200, "not-worse"],
  ["the time box is over", view({ phase: "asking", reason: "time-box" }), 409, 409, "inconclusive"],
  ["promoted by a person against the judge", view({ phase: "promoted", reason: "person", weight: 1, reading: harmful }), 409, 200, "not-worse"],
  ["kept by a person in spite of harm", view({ reason: "kept", reading: harmful }), 409, 409, "continue"],
  ["the last known good took the place of what went bad", view({ phase: "promoted", reason: "rollback", weight: 1, reading: undefined }), 409, 409, "continue"],
  ["one that ended the day before", { ...aborted, sinceWallMs: beganAtMs - 86_400_000 }, 404, 404, undefined],
])("Flagger and Argo Rollouts, while it is so: %s", async ([, current, rollback, promotion, verdict]) => {
  const { post, get } = await opened(current);
  expect([(await post("/v1/rollout/flagger/rollback", fromFlagger)).status, (await post("/v1/rollout/flagger/promotion", fromFlagger)).status]).toEqual([rollback, promotion]);
  const argo = await get("/v1/rollout/argo");
  if (verdict === undefined) expect(argo.status).toBe(404);
  else expect(argo).toMatchObject({ status: 200, json: { verdict, harm: verdict === "harm", not_worse: verdict === "not-worse" } });
});

test("a controller says how long what is over counts; each of its questions is no decision for the audit", async () => {
  const { post, get } = await opened({ ...aborted, sinceWallMs: beganAtMs });
  expect((await post("/v1/rollout/flagger/rollback?within=30s", fromFlagger)).status).toBe(404);
  expect((await post("/v1/rollout/flagger/rollback?within=2m", {})).status).toBe(200);
  expect((await get("/v1/rollout/argo?within=soon")).status).toBe(400);
  expect(await get("/v1/rollout/argo?within=2m")).toMatchObject({ json: { comparison: "errors", log10_evidence: 3.1, threshold: 2.3, phase: "aborted", weight: 0 } });
  expect(at.audited()).toEqual([]);
});

test("Flagger, which can send no headers, shows its token as the password of its URL", async () => {
  const { controls } = rolloutStandIn(aborted);
  at.clock().advance(beganAtMs + 45_000 - at.clock().wallMs());
  const tokens = [{ name: "flagger", role: "read", file: at.file("flagger", "flagger-secret:1") }];
  const { port } = await at.open({ tokens }, { rollouts: controls });
  const basic = (userinfo: string) => ({ authorization: `Basic ${Buffer.from(userinfo).toString("base64")}`, "content-type": "application/json" });
  const asked = async (headers: Readonly<Record<string, string>>, path = "/v1/rollout/flagger/rollback") => (await ask(port, path, { method: "POST", headers, body: JSON.stringify(fromFlagger) })).status;
  expect(await asked(basic("flagger:flagger-secret:1"))).toBe(200);
  expect(await asked(basic(":flagger-secret:1"))).toBe(200);
  expect(await asked({ ...bearing("flagger-secret:1"), "content-type": "application/json" })).toBe(200);
  for (const wrong of ["flagger:", "flagger", "flagger-secret:1", "flagger:wrong"]) expect([wrong, await asked(basic(wrong))]).toEqual([wrong, 401]);
  expect(await asked(basic("flagger:flagger-secret:1"), "/v1/rollout/abort")).toBe(403);
  // No browser is made to ask a person for a password.
  expect((await ask(port, "/v1/rollout")).headers["www-authenticate"]).toBe("Bearer");
});

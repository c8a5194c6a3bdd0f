/** Each shape against a receiver that takes what the real API takes, by its documentation, and refuses all else. */
import { expect, test } from "vitest";
import * as z from "zod";
import { FakeClock } from "../../fake-clock.ts";
import { ask } from "../../../agent/forward/ask.ts";
import type { RetrainRequest } from "../../../agent/retrain-view.ts";
import { deliver, type Attempted } from "../../../agent/rollout/retrain/deliver.ts";
import { isTaken, requestTo, type TargetShape } from "../../../agent/rollout/retrain/targets.ts";
import { receiver, until, type Received } from "./receiver.ts";

const id = "0f8fad5b-d9cb-469f-a165-70867728950e";
const request: RetrainRequest = {
  id, model: "employment größer", atWallMs: Date.UTC(2026, 0, 2), who: "pilotfish", state: "delivering", problem: undefined, deliveries: [],
  why: { reason: undefined, streams: [{ stream: "features", detector: "conformal", sinceWallMs: Date.UTC(2026, 0, 1), culprits: ["age"] }] },
  window: { location: "s3://windows/a.parquet", manifest: "s3://windows/a.json", format: "parquet", rows: 20_000, actuals: 900, fromWallMs: 0, toWallMs: 1, versions: ["2"], reference: undefined, bytes: 5, sha256: "00" },
};

const text = z.string().min(1);
const document = z.strictObject({ id: z.literal(id), model: text, reference: z.null(), requested_at: z.iso.datetime(), requested_by: text, why: z.object({}), window: z.object({ location: text, sha256: text }), problem: z.null() });
/** RFC 1123, as Kubernetes wants names. */
const kubernetesName = z.string().max(63).regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
const eventAttributes = { specversion: z.literal("1.0"), id: z.literal(id), source: z.string().regex(/^[!-~]+$/), type: text, subject: text, time: z.iso.datetime() };

/** Path, headers and body as each API wants them. */
const wanted: Readonly<Record<string, { readonly target: TargetShape extends infer T ? (T extends unknown ? Omit<T, "url"> : never) : never; readonly path: string; readonly headers?: Readonly<Record<string, RegExp>>; readonly body: z.ZodType; readonly status: number }>> = {
  structured: { target: { kind: "cloudevent", mode: "structured" }, path: "/", headers: { "content-type": /^application\/cloudevents\+json/ }, status: 202, body: z.strictObject({ ...eventAttributes, datacontenttype: z.literal("application/json"), data: document }) },
  binary: { target: { kind: "cloudevent", mode: "binary" }, path: "/", headers: { "content-type": /^application\/json$/, "ce-specversion": /^1\.0$/, "ce-id": new RegExp(`^${id}$`), "ce-source": /^\/[!-~]+$/, "ce-type": /^[!-~]+$/, "ce-subject": /^employment%20gr%C3%B6%C3%9Fer$/, "ce-time": /Z$/ }, status: 202, body: document },
  webhook: { target: { kind: "webhook" }, path: "/", headers: { "idempotency-key": new RegExp(id) }, status: 200, body: document },
  // TriggerDAGRunPostBody of Airflow 3: unknown members are refused, logical_date must be there.
  airflow: { target: { kind: "airflow", dag: "train.employment" }, path: "/api/v2/dags/train.employment/dagRuns", status: 200, body: z.strictObject({ dag_run_id: text.optional(), data_interval_start: z.null().optional(), data_interval_end: z.null().optional(), logical_date: z.iso.datetime().nullable(), run_after: z.iso.datetime().optional(), conf: z.record(z.string(), z.unknown()).optional(), note: z.string().max(1_000).optional() }) },
  argo: {
    target: { kind: "argo-workflows", namespace: "ml", template: "train" }, path: "/api/v1/workflows/ml/submit", status: 200,
    body: z.strictObject({ namespace: z.literal("ml"), resourceKind: z.enum(["WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow"]), resourceName: text, submitOptions: z.strictObject({ name: kubernetesName, parameters: z.array(z.string().regex(/^[a-z_0-9]+=/)) }) }),
  },
  kubeflow: {
    target: { kind: "kubeflow", pipeline: "p-1", experiment: "e-1" }, path: "/apis/v2beta1/runs", status: 200,
    body: z.strictObject({ display_name: text, description: z.string(), experiment_id: text, pipeline_version_reference: z.strictObject({ pipeline_id: text, pipeline_version_id: text.optional() }), runtime_config: z.strictObject({ parameters: z.record(z.string(), z.string()) }) }),
  },
  github: {
    target: { kind: "github", repository: "team/models", event: "retrain" }, path: "/repos/team/models/dispatches", headers: { "user-agent": /./, accept: /application\/vnd\.github\+json/, authorization: /^Bearer secret-token$/ }, status: 204,
    body: z.strictObject({ event_type: z.string().min(1).max(100), client_payload: z.record(z.string(), z.unknown()).refine((payload) => Object.keys(payload).length <= 10) }),
  },
};

test.for(Object.keys(wanted))("%s: the request is one that its API takes", async (name) => {
  const { target, path, headers = {}, body, status } = wanted[name] as NonNullable<(typeof wanted)[string]>;
  const mistakes: string[] = [];
  const look = ({ method, path: asked, headers: sent, body: given }: Received): readonly [number] => {
    if (method !== "POST" || asked !== path) mistakes.push(`${method} ${asked}`);
    for (const [header, pattern] of Object.entries(headers)) if (!pattern.test(String(sent[header]))) mistakes.push(`${header}: ${String(sent[header])}`);
    const parsed = body.safeParse(given);
    if (!parsed.success) mistakes.push(parsed.error.message);
    return [mistakes.length === 0 ? status : 422];
  };
  const { url } = await receiver(look);
  const shape = { ...target, url } as TargetShape;
  const told: Attempted[] = [];
  deliver({ ...requestTo(shape, request), timeoutMs: 5_000, retries: 0, token: async () => "secret-token", isTaken: (got) => isTaken(shape.kind, got) }, { clock: new FakeClock(), ask, told: (one) => told.push(one) });
  await until(() => told.length > 0);
  expect(mistakes).toEqual([]);
  expect(told).toEqual([{ state: "done", attempts: 1, detail: `status ${status}` }]);
});

test("a service behind a path of its own keeps it, headers of the config win, and names can not leave their place", () => {
  expect(requestTo({ kind: "airflow", url: "https://ml.example/airflow/", dag: "a" }, request).url).toBe("https://ml.example/airflow/api/v2/dags/a/dagRuns");
  expect(requestTo({ kind: "argo-workflows", url: "https://argo.example", namespace: "../..", template: "t" }, request).url).toBe("https://argo.example/api/v1/workflows/..%2F../submit");
  expect(requestTo({ kind: "webhook", url: "https://hooks.example/x?key=1", headers: { "User-Agent": "mine", "x-team": "ml" } }, request)).toMatchObject({ url: "https://hooks.example/x?key=1", headers: { "user-agent": "mine", "x-team": "ml" } });
});

test("a request without a window says why, in every shape", () => {
  const bare: RetrainRequest = { ...request, window: undefined, problem: "ENOSPC" };
  for (const { target } of Object.values(wanted)) {
    const { body } = requestTo({ ...target, url: "http://a" } as TargetShape, bare);
    expect(body).not.toContain("undefined");
    if (target.kind !== "kubeflow" && target.kind !== "argo-workflows") expect(body).toContain('"window":null');
    else expect(body).toMatch(/"window":""|window="/);
  }
});

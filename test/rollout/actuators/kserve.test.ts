/**
 * `canaryTrafficPercent` at a server that behaves as the Kubernetes API does for it: bearer tokens, merge patches (RFC 7386), answers
 * of kind Status where something is wrong, and a controller that brings the status after the spec.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Actuation } from "../../../agent/rollout/actuators/actuation.ts";
import { certificate } from "../../certificates.ts";
import { bodyOf, listen } from "../../gateway/stage.ts";
import { actuation, optionsOf, telling, type Telling } from "./stage.ts";

type Json = Record<string, unknown>;
const path = "/apis/serving.kserve.io/v1beta1/namespaces/models/inferenceservices/employment";
const soon = { pause: "1ms", pauseMax: "2ms", timeout: "15s" };

interface Cluster {
  readonly url: URL;
  /** The service account's files. */
  readonly folder: string;
  readonly object: Json;
  readonly asked: string[];
  /** The next answers, before it does what it is told. */
  readonly refusals: { readonly code: number; readonly reason: string }[];
  /** What the controller makes of a spec; nothing where it is not told. */
  controller: ((percent: number | undefined) => Json | undefined) | undefined;
}

function mergePatch(target: Json, patch: Json): void {
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete target[name];
    else if (typeof value === "object" && !Array.isArray(value)) mergePatch((target[name] ??= {}) as Json, value as Json);
    else target[name] = value;
  }
}

async function cluster(): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), "pilotfish-kserve-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const authority = certificate({ name: "cluster", authority: true });
  const served = certificate({ name: "api", by: authority });
  await Promise.all([writeFile(join(folder, "token"), "sa-token\n"), writeFile(join(folder, "ca.crt"), authority.cert), writeFile(join(folder, "namespace"), "models")]);
  const object: Json = { apiVersion: "serving.kserve.io/v1beta1", kind: "InferenceService", metadata: { name: "employment", namespace: "models", resourceVersion: "1" }, spec: { predictor: { model: { storageUri: "s3://models/2" }, minReplicas: 1 } } };
  const asked: string[] = [];
  const refusals: { readonly code: number; readonly reason: string }[] = [];
  const stage: Omit<Cluster, "url"> = { folder, object, asked, refusals, controller: undefined };
  const server = createServer({ cert: served.cert, key: served.key }, (request, response) => {
    void bodyOf(request).then((bytes) => {
      const [at, query = ""] = (request.url ?? "").split("?");
      asked.push(`${request.method} ${at}`);
      const status = (code: number, reason: string) => void response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", message: `the request failed: ${reason}`, reason, code }));
      if (request.headers.authorization !== "Bearer sa-token") return status(401, "Unauthorized");
      if (at !== path) return status(404, "NotFound");
      const refusal = refusals.shift();
      if (refusal !== undefined) return status(refusal.code, refusal.reason);
      if (request.method === "PATCH") {
        if (request.headers["content-type"] !== "application/merge-patch+json" || !query.includes("fieldManager=pilotfish")) return status(415, "UnsupportedMediaType");
        mergePatch(object, JSON.parse(bytes.toString()) as Json);
        const percent = (object["spec"] as { readonly predictor: { readonly canaryTrafficPercent?: number } }).predictor.canaryTrafficPercent;
        const next = stage.controller?.(percent);
        if (next !== undefined) object["status"] = next;
      }
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(object));
    });
  });
  const listening = await listen(server);
  return Object.assign(stage, { url: new URL(`https://127.0.0.1:${listening.port}`) });
}

/** As in a pod of the cluster, with nothing in the config but the name. */
async function tell({ url, folder }: Cluster, told: Actuation, options: Record<string, unknown> = {}): Promise<Telling> {
  const variables: Record<string, string> = { KUBERNETES_SERVICE_HOST: url.hostname, KUBERNETES_SERVICE_PORT: url.port };
  const given = telling(optionsOf({ kind: "kserve", inferenceService: "employment", ...soon, ...options }), { environment: (name) => variables[name], serviceAccount: folder });
  given.actuators.run(told);
  await given.settled(2);
  return given;
}

const last = ({ reports }: Telling) => reports.findLast(({ actuator }) => actuator === "kserve");
const traffic = (latest: number) => ({
  components: { predictor: { traffic: [{ latestRevision: true, percent: latest, revisionName: "p-2" }, ...(latest < 100 ? [{ latestRevision: false, percent: 100 - latest, revisionName: "p-1", tag: "prev" }] : [])] } },
});

test("the candidate's share is set in whole percents, and read back; nobody else's fields are touched", async () => {
  const api = await cluster();
  const spec = (percent?: number) => ({ predictor: { model: { storageUri: "s3://models/2" }, minReplicas: 1, ...(percent !== undefined && { canaryTrafficPercent: percent }) } });
  for (const [told, percent] of [
    [actuation("start", { weight: 0.05 }), 5],
    [actuation("weight", { weight: 0.29 }), 29],
    [actuation("weight", { weight: 0.129 }), 12],
    [actuation("promote"), undefined],
    [actuation("weight", { weight: 1 }), 100],
    [actuation("roll-back"), 0],
  ] as const) {
    const given = await tell(api, told);
    expect(last(given)).toMatchObject({ result: "done", attempts: 1, detail: `InferenceService employment gives the candidate ${percent ?? 100} %` });
    expect(api.object["spec"]).toEqual(spec(percent));
  }
  expect(api.asked.slice(0, 2)).toEqual([`PATCH ${path}`, `GET ${path}`]);
});

test("it is confirmed by how the traffic is shared out, once the controller has come to it", async () => {
  const api = await cluster();
  api.controller = (percent) => {
    setImmediate(() => (api.object["status"] = traffic(percent ?? 100)));
    return undefined;
  };
  api.object["status"] = traffic(10);
  expect(last(await tell(api, actuation("roll-back")))).toMatchObject({ result: "done", attempts: 1 });
});

test("a spec that says one thing while the traffic goes another way is unconfirmed, and somebody is called", async () => {
  const api = await cluster();
  api.object["status"] = traffic(10);
  const told = await tell(api, actuation("roll-back"), { retries: 0, timeout: "2500ms" });
  expect(last(told)).toMatchObject({ result: "unconfirmed", attempts: 1, detail: expect.stringContaining("the latest revision still has 10 % of the traffic") as string });
  expect(told.trouble).toHaveLength(1);
});

test("where KServe shares no traffic out, it is said", async () => {
  const api = await cluster();
  (api.object["metadata"] as Json)["annotations"] = { "serving.kserve.io/deploymentMode": "RawDeployment" };
  expect(last(await tell(api, actuation("weight"), { retries: 0, timeout: "2500ms" }))).toMatchObject({ result: "unconfirmed", detail: expect.stringContaining("its deployment mode is RawDeployment") as string });
});

test.each([
  [409, "Conflict"],
  [401, "Unauthorized"],
  [429, "TooManyRequests"],
  [500, "InternalError"],
])("%i passes, and is tried again", async (code, reason) => {
  const api = await cluster();
  api.refusals.push({ code, reason });
  expect(last(await tell(api, actuation("promote")))).toMatchObject({ result: "done", attempts: 2 });
});

test.each([
  [403, "Forbidden"],
  [422, "Invalid"],
])("%i does not pass by itself", async (code, reason) => {
  const api = await cluster();
  api.refusals.push({ code, reason });
  expect(last(await tell(api, actuation("promote")))).toMatchObject({ result: "failed", attempts: 1, detail: expect.stringContaining(reason) as string });
});

test("an InferenceService that is not there is named", async () => {
  const api = await cluster();
  expect(last(await tell(api, actuation("promote"), { inferenceService: "nobody" }))).toMatchObject({ result: "failed", attempts: 1, detail: expect.stringMatching(/InferenceService nobody answered 404.*NotFound/) as string });
});

test("a token that is renewed between two attempts is the new one at the second, and neither is shown", async () => {
  const api = await cluster();
  await writeFile(join(api.folder, "token"), "old-token");
  const variables: Record<string, string> = { KUBERNETES_SERVICE_HOST: api.url.hostname, KUBERNETES_SERVICE_PORT: api.url.port };
  const given = telling(optionsOf({ kind: "kserve", inferenceService: "employment", ...soon }), {
    environment: (name) => variables[name],
    serviceAccount: api.folder,
    told(report) {
      if (report.detail.includes("401")) void writeFile(join(api.folder, "token"), "sa-token");
    },
  });
  given.actuators.run(actuation("roll-back"));
  await given.settled(2);
  expect(given.results()).toEqual(["kserve roll-back done"]);
  expect(JSON.stringify(given.reports)).not.toMatch(/old-token|sa-token/);
});

test("an API that another authority certified is not talked to", async () => {
  const api = await cluster();
  await writeFile(join(api.folder, "ca.crt"), certificate({ name: "other", authority: true }).cert);
  expect(last(await tell(api, actuation("promote"), { retries: 0 }))).toMatchObject({ result: "failed", detail: expect.stringMatching(/certificate|self.signed|verify/i) as string });
  expect(api.asked).toEqual([]);
});

test("outside of a cluster the address, the namespace and the token come from the config", async () => {
  const api = await cluster();
  const options = { kind: "kserve", inferenceService: "employment", namespace: "models", url: api.url.href, tokenFile: join(api.folder, "token"), caFile: join(api.folder, "ca.crt"), ...soon };
  const given = telling(optionsOf(options), { serviceAccount: "/nowhere" });
  given.actuators.run(actuation("roll-back"));
  await given.settled(2);
  expect(given.results()).toEqual(["kserve roll-back done"]);
});

test("outside of a pod without any of that, it is said what is missing", async () => {
  const given = telling(optionsOf({ kind: "kserve", inferenceService: "employment", ...soon, retries: 0 }), { serviceAccount: "/nowhere" });
  given.actuators.run(actuation("promote"));
  await given.settled(2);
  expect(last(given)).toMatchObject({ result: "failed", detail: "the token can not be read from /nowhere/token: ENOENT" });
});

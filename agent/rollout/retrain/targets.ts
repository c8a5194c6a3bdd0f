/**
 * What each kind of target is sent: its address, headers and body, by what its API takes. Pure; whoever sends it adds the token.
 *
 * Every one carries the request's id where its API has a place for one, so that a request that arrives twice can be known: as the
 * event's id, as `idempotency-key`, or as the name of the run, which Airflow and Argo Workflows refuse to make twice (409).
 *
 * Sources: CloudEvents 1.0.2 and its HTTP binding; Airflow 3 `TriggerDAGRunPostBody` (`logical_date` must be there and may be null,
 * unknown members are refused); Argo Workflows `WorkflowSubmitRequest`; Kubeflow Pipelines `v2beta1` RunService; GitHub's
 * "Create a repository dispatch event" (event_type of 100 characters, client_payload of 10 properties).
 */
import type { RetrainRequest } from "../../retrain-view.ts";
import { boundEvent } from "../event-binding.ts";

/** As in the config (options.ts), without what concerns the sending. */
export type TargetShape = { readonly url: string } & (
  | { readonly kind: "cloudevent"; readonly mode: "structured" | "binary" }
  | { readonly kind: "webhook" }
  | { readonly kind: "airflow"; readonly dag: string }
  | { readonly kind: "argo-workflows"; readonly namespace: string; readonly template: string }
  | { readonly kind: "kubeflow"; readonly pipeline: string; readonly version?: string | undefined; readonly experiment?: string | undefined }
  | { readonly kind: "github"; readonly repository: string; readonly event: string }
);
export type TargetKind = TargetShape["kind"];

export interface TargetRequest {
  readonly url: string;
  readonly method: "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Shape<Kind extends TargetKind> = (target: Extract<TargetShape, { kind: Kind }>, document: RetrainDocument) => { readonly path: readonly string[]; readonly headers?: Readonly<Record<string, string>>; readonly body: unknown };

/** What is asked for, in the members that every kind is made of. At most nine, for GitHub takes ten. */
export interface RetrainDocument {
  readonly id: string;
  readonly model: string;
  readonly reference: string | null;
  readonly requested_at: string;
  readonly requested_by: string;
  readonly why: {
    readonly reason: string | null;
    readonly streams: readonly { readonly stream: string; readonly detector: string; readonly since: string; readonly culprits: readonly string[] }[];
  };
  readonly window: null | {
    readonly location: string;
    readonly manifest: string;
    readonly format: string;
    readonly rows: number;
    readonly actuals: number;
    readonly from: string;
    readonly to: string;
    readonly versions: readonly string[];
    readonly bytes: number;
    readonly sha256: string;
  };
  /** Why there is no window. */
  readonly problem: string | null;
}

export const eventType = "pilotfish.retrain.requested";

const shapes: { readonly [Kind in TargetKind]: Shape<Kind> } = {
  cloudevent({ mode }, document) {
    const attributes = { specversion: "1.0", id: document.id, type: eventType, source: `/pilotfish/models/${encodeURIComponent(document.model.toWellFormed())}`, subject: document.model, time: document.requested_at };
    return { path: [], ...boundEvent(mode, attributes, document) };
  },
  webhook: (_, document) => ({ path: [], headers: { "idempotency-key": document.id }, body: document }),
  airflow: ({ dag }, document) => ({ path: ["api", "v2", "dags", dag, "dagRuns"], body: { dag_run_id: runName(document), logical_date: null, conf: document, note: sentence(document) } }),
  "argo-workflows": ({ namespace, template }, document) => ({
    path: ["api", "v1", "workflows", namespace, "submit"],
    body: { namespace, resourceKind: "WorkflowTemplate", resourceName: template, submitOptions: { name: runName(document), parameters: Object.entries(flat(document)).map(([name, value]) => `${name}=${value}`) } },
  }),
  kubeflow: ({ pipeline, version, experiment }, document) => ({
    path: ["apis", "v2beta1", "runs"],
    body: {
      display_name: runName(document),
      description: sentence(document),
      ...(experiment !== undefined && { experiment_id: experiment }),
      pipeline_version_reference: { pipeline_id: pipeline, ...(version !== undefined && { pipeline_version_id: version }) },
      runtime_config: { parameters: flat(document) },
    },
  }),
  github: ({ repository, event }, document) => ({
    path: ["repos", ...repository.split("/"), "dispatches"],
    headers: { accept: "application/vnd.github+json", "x-github-api-version": "2022-11-28" },
    body: { event_type: event, client_payload: document },
  }),
};

/** What to send; headers of the config win over those of the kind, and the body is the same at every attempt. */
export function requestTo(target: TargetShape & { readonly headers?: Readonly<Record<string, string>> | undefined }, request: RetrainRequest): TargetRequest {
  const shape = shapes[target.kind] as Shape<TargetKind>;
  const { path, headers, body } = shape(target, documentOf(request));
  const url = new URL(target.url);
  // A service may stand behind a path of its own.
  if (path.length > 0) url.pathname = `${url.pathname.replace(/\/$/, "")}/${path.map(encodeURIComponent).join("/")}`;
  const given = Object.fromEntries(Object.entries(target.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  return { url: url.href, method: "POST", headers: { "content-type": "application/json", "user-agent": "pilotfish", ...headers, ...given }, body: JSON.stringify(body) };
}

/** Did the target take it? A run of that name is there already where an answer to an earlier attempt was lost. */
export function isTaken(kind: TargetKind, status: number): boolean {
  return (status >= 200 && status < 300) || (status === 409 && (kind === "airflow" || kind === "argo-workflows"));
}

export function documentOf({ id, model, atWallMs, who, why, window, problem }: RetrainRequest): RetrainDocument {
  return {
    id, model, reference: window?.reference ?? null, requested_at: iso(atWallMs), requested_by: who,
    why: { reason: why.reason ?? null, streams: why.streams.map(({ stream, detector, sinceWallMs, culprits }) => ({ stream, detector, since: iso(sinceWallMs), culprits })) },
    window: window === undefined ? null : { location: window.location, manifest: window.manifest, format: window.format, rows: window.rows, actuals: window.actuals, from: iso(window.fromWallMs), to: iso(window.toWallMs), versions: window.versions, bytes: window.bytes, sha256: window.sha256 },
    problem: problem ?? null,
  };
}

/** For APIs whose parameters are texts; what is not there is empty, so that a template may name all of them. */
function flat({ id, model, reference, why, window, requested_by: by }: RetrainDocument): Readonly<Record<string, string>> {
  return {
    request_id: id,
    model,
    reference: reference ?? "",
    requested_by: by,
    streams: why.streams.map(({ stream }) => stream).join(","),
    window: window?.location ?? "",
    manifest: window?.manifest ?? "",
    format: window?.format ?? "",
    sha256: window?.sha256 ?? "",
    rows: String(window?.rows ?? 0),
    actuals: String(window?.actuals ?? 0),
  };
}

/** A name as Kubernetes takes it (RFC 1123, at most 63 characters). */
function runName({ id }: RetrainDocument): string {
  return `pilotfish-retrain-${id}`;
}

function sentence({ model, requested_by: by, why }: RetrainDocument): string {
  const streams = why.streams.map(({ stream, culprits }) => (culprits.length === 0 ? stream : `${stream} (${culprits.join(", ")})`)).join(", ");
  return `Pilotfish asks to train ${model} anew: ${why.reason ?? (streams || `${by} asked`)}`.slice(0, 1_000);
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

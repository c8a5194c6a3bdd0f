/**
 * Sets `canaryTrafficPercent` of an InferenceService, by which KServe shares traffic out between the last revision that had all of
 * it and the latest one: the candidate's share while it is tried, 0 when it is rolled back, and no such field once it is promoted,
 * which is KServe's word for "all to the latest". A merge patch names that one field, so nobody else's change is undone.
 *
 * Confirmed by reading it back: first what is asked for, then, where the status tells how traffic is shared out, that it is so.
 * Shares are whole percents, rounded down: never more than was decided.
 * Source: kserve.github.io, "Canary Rollout Strategy"; the service account's files: kubernetes.io, "Accessing the API from a Pod".
 */
import { wait, type Clock } from "../../clock.ts";
import type { Asked, Ask } from "../../forward/ask.ts";
import type { Actuation, Actuator, Attempted } from "./actuation.ts";
import { judgeAnswer, said, whyNot } from "./answer.ts";
import { codeOf, readBounded, readSecret, type Environment } from "./secret.ts";
import type { KserveOptions } from "./options.ts";

export interface KserveDeps {
  readonly clock: Clock;
  readonly ask: Ask;
  readonly environment: Environment;
  /** Where the pod's service account is; another folder in tests. */
  readonly serviceAccount?: string;
}

const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";
const pollMs = 1_000;
/** A token that is renewed just now, and another writer's change. */
const passing: readonly number[] = [401, 409];

/** How to reach the API, read anew each time: tokens are renewed. */
interface Access {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly ca: string | undefined;
  readonly secrets: readonly string[];
}

export function kserve(options: KserveOptions, { clock, ask, environment, serviceAccount = serviceAccountFolder }: KserveDeps): Actuator {
  const { inferenceService, component } = options;
  const isInCluster = options.url === undefined;
  const tokenFile = options.tokenFile ?? (isInCluster ? `${serviceAccount}/token` : undefined);
  const caFile = options.caFile ?? (isInCluster ? `${serviceAccount}/ca.crt` : undefined);
  const what = `InferenceService ${inferenceService}`;

  async function access(): Promise<Access | Attempted> {
    const token = tokenFile === undefined ? undefined : await readSecret({ file: tokenFile }, environment);
    if (token?.ok === false) return failed(token.detail);
    const ca = caFile === undefined ? undefined : await read("certificates", caFile);
    if (typeof ca === "object") return ca;
    const namespace = options.namespace ?? (await read("namespace", `${serviceAccount}/namespace`));
    if (typeof namespace === "object") return namespace;
    const base = (options.url ?? clusterUrl(environment)).replace(/\/+$/, "");
    return {
      url: `${base}/apis/serving.kserve.io/v1beta1/namespaces/${encodeURIComponent(namespace.trim())}/inferenceservices/${inferenceService}`,
      headers: { accept: "application/json", ...(token !== undefined && { authorization: `Bearer ${token.value}` }) },
      ca,
      secrets: token === undefined ? [] : [token.value],
    };
  }

  async function read(name: string, file: string): Promise<string | Attempted> {
    try {
      return await readBounded(file);
    } catch (error) {
      return failed(`the ${name} can not be read from ${file}: ${codeOf(error)}`);
    }
  }

  /** Reads it back until it is as wanted, or there is no time left for another look. */
  async function confirmed(percent: number | undefined, { url, headers, ca, secrets }: Access, deadlineMs: number, signal: AbortSignal): Promise<Attempted> {
    for (;;) {
      const asked = await ask(clock, { url, headers, ca, timeoutMs: Math.max(1, deadlineMs - clock.monotonicMs()), signal });
      const seen = seenIn(asked, percent, component, secrets);
      if (seen === "as-wanted") return { result: "done", detail: `${what} gives the candidate ${percent ?? 100} %` };
      if (signal.aborted || clock.monotonicMs() + pollMs >= deadlineMs) return { result: "unconfirmed", detail: `${what} was set to ${percent ?? 100} %, but ${seen}`, again: true };
      await wait(clock, pollMs, signal).catch(() => {});
    }
  }

  return {
    async attempt(actuation, deadlineMs, signal) {
      const to = await access();
      if ("result" in to) return to;
      const percent = percentOf(actuation);
      const asked = await ask(clock, {
        url: `${to.url}?fieldManager=pilotfish`,
        method: "PATCH",
        headers: { ...to.headers, "content-type": "application/merge-patch+json" },
        ca: to.ca,
        // To set it to null is to take it away.
        body: JSON.stringify({ spec: { [component]: { canaryTrafficPercent: percent ?? null } } }),
        timeoutMs: Math.max(1, deadlineMs - clock.monotonicMs()),
        signal,
      });
      const judged = judgeAnswer(asked, what, to.secrets);
      if (judged.result === "done") return confirmed(percent, to, deadlineMs, signal);
      return asked.ok && passing.includes(asked.status) && judged.result === "failed" ? { ...judged, again: true } : judged;
    },
  };
}

/** As every pod is told it. */
function clusterUrl(environment: Environment): string {
  const host = environment("KUBERNETES_SERVICE_HOST");
  if (host === undefined) return "https://kubernetes.default.svc";
  return `https://${host.includes(":") ? `[${host}]` : host}:${environment("KUBERNETES_SERVICE_PORT") ?? "443"}`;
}

/** undefined: no such field. */
function percentOf({ action, weight }: Actuation): number | undefined {
  if (action === "promote") return undefined;
  // A weight of 0.29 is 28.999... hundredths in binary.
  return action === "roll-back" ? 0 : Math.max(0, Math.min(100, Math.floor(weight * 100 + 1e-9)));
}

function failed(detail: string): Attempted {
  return { result: "failed", detail, again: true };
}

interface Traffic {
  readonly latestRevision?: boolean;
  readonly percent?: number;
}

interface InferenceService {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: Readonly<Record<string, { readonly canaryTrafficPercent?: number | null } | undefined>>;
  readonly status?: { readonly deploymentMode?: string; readonly components?: Readonly<Record<string, { readonly traffic?: readonly Traffic[] } | undefined>> };
}

/** Modes in which KServe shares no traffic out, under their old name and the new one. */
const unshared = ["RawDeployment", "Standard"];

/** What stands in the way, as the end of a sentence. */
function seenIn(asked: Asked, percent: number | undefined, component: string, secrets: readonly string[]): string {
  if (!asked.ok) return `could not be read back: ${whyNot(asked)}`;
  if (asked.status !== 200) return `reading it back ${said(asked, secrets)}`;
  const object = parsed(asked.body);
  if (object === undefined) return "what was read back is no object in JSON";
  const is = object.spec?.[component]?.canaryTrafficPercent ?? undefined;
  if (is !== percent) return `reads ${is === undefined ? "without a percentage" : `${is} %`} when it is read back`;
  const mode = object.status?.deploymentMode ?? object.metadata?.annotations?.["serving.kserve.io/deploymentMode"];
  if (mode !== undefined && unshared.includes(mode)) return `its deployment mode is ${mode}, in which KServe shares no traffic out`;
  const traffic = object.status?.components?.[component]?.traffic;
  if (!Array.isArray(traffic) || traffic.length === 0) return "as-wanted";
  const latest = (traffic as readonly Traffic[]).filter(({ latestRevision }) => latestRevision === true).reduce((sum, target) => sum + (target.percent ?? 0), 0);
  return latest === (percent ?? 100) ? "as-wanted" : `the latest revision still has ${latest} % of the traffic`;
}

function parsed(body: Buffer): InferenceService | undefined {
  try {
    const json = JSON.parse(body.toString("utf8")) as unknown;
    return typeof json === "object" && json !== null ? json : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Pages: what happened is pushed to Alertmanager's v2 API, for clusters without Prometheus and for what no query can see. The
 * alert names here stand in no rule of ours, so that nothing pages twice.
 *
 * An alert is a level like everything else: it is sent again and again while it holds, ends by itself four resends after the
 * last one (an instance that dies leaves no page behind), and its end is sent for five minutes. Its labels are its identity,
 * so they hold nothing that changes and no pod's name: two sidecars of one model are one page. Every Alertmanager of a
 * cluster gets every alert; which of them notifies is their business.
 */
import * as z from "zod";
import type { Cancel, Clock } from "../agent/clock.ts";
import type { Log } from "../agent/log.ts";
import { duration } from "../agent/units.ts";
import { instruments } from "./instruments.ts";
import type { Counter, Meter } from "./meter.ts";
import type { DriftSignal, Signal, StateSignal } from "./signal.ts";

const httpUrl = (example: string) => z.url({ protocol: /^https?$/, error: `expected a URL such as "${example}"` });
const identity = ["alertname", "model", "severity", "stream"];

export const alertmanagerOptions = z.strictObject({
  /** Base URLs of every Alertmanager of the cluster, not of a balancer before them. None: nothing is pushed. */
  urls: z.array(httpUrl("http://127.0.0.1:9093")).max(8).default([]),
  /** How often an alert that holds is sent again. */
  resend: duration(1_000).prefault("30s"),
  /** For one push. */
  timeout: duration().prefault("5s"),
  /** Put on every alert, such as a team or a cluster. */
  labels: z
    .record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, "expected a label name: letters, digits and underscores"), z.string().min(1))
    .refine((labels) => identity.every((label) => !(label in labels)), `${identity.join(", ")} are set by Pilotfish; choose other names`)
    .default({}),
  /** Where the alert's source link leads, such as a dashboard. */
  generatorUrl: httpUrl("https://grafana.example/d/pilotfish").optional(),
  /** Base of the runbooks: the alert's name and `.md` follow, as in docs/runbooks. */
  runbooks: httpUrl("https://runbooks.example/pilotfish").optional(),
});
export type AlertmanagerOptions = z.output<typeof alertmanagerOptions>;

/** Posts JSON. Settles within `timeoutMs`; `detail` says for people what went wrong. */
export type Post = (url: string, body: string, timeoutMs: number) => Promise<{ readonly ok: boolean; readonly detail: string }>;

export interface AlertmanagerDeps {
  readonly clock: Clock;
  readonly post: Post;
  readonly meter: Meter;
  readonly log: Log;
}

export interface Alertmanager {
  signal(signal: Signal): void;
  /** Begins to push. What it returns ends that: changes which are not delivered get one more try, and nothing is resolved, since another instance may go on. */
  start(): () => Promise<void>;
}

export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: { readonly summary: string; readonly description: string };
  /** Of the first firing. */
  readonly startsAtMs: number;
  /** Undefined while it fires. */
  readonly endedAtMs: number | undefined;
}

/** By identity. */
export type Alerts = ReadonlyMap<string, Alert>;

export const alertsMax = 100;
const resolvedKeptMs = 5 * 60_000;
const firstRetryMs = 1_000;
const textMax = 1_000;

export function alertmanager(options: AlertmanagerOptions, deps: AlertmanagerDeps): Alertmanager {
  const { clock, meter } = deps;
  let alerts: Alerts = new Map();

  function body(): string | undefined {
    alerts = withoutForgotten(alerts, clock.wallMs());
    return alerts.size === 0 ? undefined : alertsBody(alerts, options, clock.wallMs());
  }
  const receivers = options.urls.map((url) => new Receiver(url, options, deps, body));

  return {
    signal(signal) {
      const before = alerts;
      alerts = alertsOf(before, signal);
      const occurrence = occurrenceOf(signal);
      if (occurrence?.firing === true && !alerts.has(occurrence.key)) meter.counter(instruments.dropped, { what: "alerts" }).add();
      if (statusChanged(before, alerts)) for (const receiver of receivers) receiver.changed();
    },
    start() {
      for (const receiver of receivers) receiver.start();
      return async () => {
        await Promise.all(receivers.map((receiver) => receiver.close()));
      };
    },
  };
}

/**
 * What is to be told after a signal; the same map where it changes nothing. A state that is failed, isolated or on probation
 * fires `PilotfishFailover`, a healthy, degraded or suspect one resolves it, and the others say nothing about it; a drift
 * fires and resolves `PilotfishDrift`. Holds at most `alertsMax`: a new one takes the place of the one resolved longest
 * ago, or is let go where all fire.
 */
export function alertsOf(alerts: Alerts, signal: Signal): Alerts {
  const occurrence = occurrenceOf(signal);
  if (occurrence === undefined) return alerts;
  const { key, firing, atMs, labels, annotations } = occurrence;
  const known = alerts.get(key);
  if (!firing) {
    return known === undefined || known.endedAtMs !== undefined ? alerts : new Map(alerts).set(key, { ...known, endedAtMs: atMs });
  }
  if (known !== undefined && known.endedAtMs === undefined) {
    const same = known.annotations.description === annotations.description && known.annotations.summary === annotations.summary;
    return same ? alerts : new Map(alerts).set(key, { ...known, annotations });
  }
  const next = new Map(alerts);
  if (known === undefined && next.size >= alertsMax) {
    const [oldest] = [...next].filter(([, { endedAtMs }]) => endedAtMs !== undefined).sort(([, a], [, b]) => (a.endedAtMs as number) - (b.endedAtMs as number));
    if (oldest === undefined) return alerts;
    next.delete(oldest[0]);
  }
  return next.set(key, { labels, annotations, startsAtMs: atMs, endedAtMs: undefined });
}

/** The JSON for `POST /api/v2/alerts`. */
export function alertsBody(alerts: Alerts, { resend, labels: configured, generatorUrl, runbooks }: AlertmanagerOptions, nowMs: number): string {
  return JSON.stringify(
    [...alerts.values()].map(({ labels, annotations, startsAtMs, endedAtMs }) => ({
      labels: { ...configured, ...labels },
      annotations: { ...annotations, ...(runbooks === undefined ? {} : { runbook_url: `${withoutSlash(runbooks)}/${labels["alertname"]}.md` }) },
      startsAt: new Date(startsAtMs).toISOString(),
      // Never before the start, whatever the wall clock did: one such alert and Alertmanager refuses them all.
      endsAt: new Date(Math.max(startsAtMs, endedAtMs ?? nowMs + 4 * resend)).toISOString(),
      ...(generatorUrl === undefined ? {} : { generatorURL: generatorUrl }),
    })),
  );
}

interface Occurrence {
  readonly key: string;
  readonly firing: boolean;
  readonly atMs: number;
  readonly labels: Alert["labels"];
  readonly annotations: Alert["annotations"];
}

function occurrenceOf(signal: Signal): Occurrence | undefined {
  switch (signal.type) {
    case "state":
      return failoverOf(signal);
    case "drift":
      return driftOf(signal);
    case "transition":
    case "directive":
    case "judge": // What follows from a verdict is a state or a decision, and pages as such.
      return undefined;
  }
}

function failoverOf({ target, status, rung, reason, cause, sinceWallMs }: StateSignal): Occurrence | undefined {
  const firing = status === "failed" || status === "isolated" || status === "probation";
  if (!firing && status !== "healthy" && status !== "degraded" && status !== "suspect") return undefined;
  return occurred(
    { alertname: "PilotfishFailover", model: target.model, severity: "critical" },
    firing,
    sinceWallMs,
    `Predictions of model ${target.model} are not answered by its primary`,
    `${target.endpoint} is ${status}; ${rung} answers (${reason}). ${cause.detector} found: ${cause.evidence}`,
  );
}

function driftOf({ target, status, stream, culprits, message, atWallMs }: DriftSignal): Occurrence {
  const moved = culprits.filter(({ share }) => share >= 0.005).map(({ name, share }) => `${name} ${Math.round(share * 100)} %`).join(", ");
  return occurred(
    { alertname: "PilotfishDrift", model: target.model, severity: "warning", stream },
    status === "firing",
    atWallMs,
    `What model ${target.model} sees or answers has drifted (${stream})`,
    moved === "" ? message : `${message.replace(/\.$/, "")}. Shares of the evidence: ${moved}.`,
  );
}

function occurred(labels: Alert["labels"], firing: boolean, atMs: number, summary: string, description: string): Occurrence {
  return { key: JSON.stringify(labels), firing, atMs, labels, annotations: { summary, description: description.slice(0, textMax) } };
}

function withoutForgotten(alerts: Alerts, nowMs: number): Alerts {
  const kept = [...alerts].filter(([, { endedAtMs }]) => endedAtMs === undefined || nowMs - endedAtMs < resolvedKeptMs);
  return kept.length === alerts.size ? alerts : new Map(kept);
}

/** Has one begun or ended? New words for one that holds can wait for the next resend. */
function statusChanged(before: Alerts, after: Alerts): boolean {
  if (before === after) return false;
  return [...after].some(([key, { endedAtMs }]) => {
    const known = before.get(key);
    return known === undefined || known.endedAtMs !== endedAtMs;
  });
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}

/**
 * One Alertmanager. At most one push is under way; what changes meanwhile is told by the next, which always tells what is so
 * by then. After a failure it tries again after 1 s, 2 s, 4 s and so on up to the resend.
 */
class Receiver {
  readonly #url: string;
  readonly #host: string;
  readonly #options: AlertmanagerOptions;
  readonly #deps: AlertmanagerDeps;
  readonly #body: () => string | undefined;
  /** Bound before the first, so that the first is seen as a rise. */
  readonly #counted: { readonly ok: Counter; readonly failed: Counter };
  /** Something changed that no push has delivered yet. */
  #undelivered = false;
  #failures = 0;
  #pushing: Promise<void> | undefined;
  #open = false;
  #cancelResend: Cancel = () => {};
  #cancelRetry: Cancel = () => {};

  constructor(url: string, options: AlertmanagerOptions, deps: AlertmanagerDeps, body: () => string | undefined) {
    this.#url = `${withoutSlash(url)}/api/v2/alerts`;
    this.#host = new URL(url).host;
    this.#options = options;
    this.#deps = deps;
    this.#body = body;
    const counter = (result: "ok" | "failed") => deps.meter.counter(instruments.notifications, { result });
    this.#counted = { ok: counter("ok"), failed: counter("failed") };
  }

  start(): void {
    this.#open = true;
    this.#cancelResend = this.#deps.clock.every(this.#options.resend, () => this.#push());
    if (this.#undelivered) this.#push();
  }

  changed(): void {
    this.#undelivered = true;
    if (this.#open) this.#push();
  }

  async close(): Promise<void> {
    this.#open = false;
    this.#cancelResend();
    this.#cancelRetry();
    await this.#pushing;
    if (this.#undelivered) this.#push();
    await this.#pushing;
  }

  #push(): void {
    if (this.#pushing !== undefined) return;
    this.#cancelRetry();
    const body = this.#body();
    this.#undelivered = false;
    if (body === undefined) return;
    this.#pushing = this.#deps
      .post(this.#url, body, this.#options.timeout)
      .catch((error: unknown) => ({ ok: false, detail: String(error) }))
      .then(({ ok, detail }) => {
        this.#pushing = undefined;
        if (ok) this.#delivered();
        else this.#failed(detail);
      });
  }

  #delivered(): void {
    this.#counted.ok.add();
    if (this.#failures > 0) this.#deps.log.info({ alertmanager: this.#host }, "Alertmanager takes alerts again");
    this.#failures = 0;
    if (this.#undelivered && this.#open) this.#push();
  }

  #failed(detail: string): void {
    const { clock, log } = this.#deps;
    this.#counted.failed.add();
    if (this.#failures === 0) log.warn({ alertmanager: this.#host, detail: detail.slice(0, 200) }, "Alertmanager does not take alerts");
    this.#failures += 1;
    this.#undelivered = true;
    if (!this.#open) return;
    const backoffMs = Math.min(this.#options.resend, firstRetryMs * 2 ** (this.#failures - 1));
    this.#cancelRetry = clock.after(backoffMs * (0.75 + 0.5 * clock.random()), () => this.#push());
  }
}

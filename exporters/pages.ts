/**
 * Pages as data, pure: which alerts follow from a signal, and the JSON that Alertmanager's v2 API takes of them.
 *
 * Labels are an alert's identity, so they hold nothing that changes and no pod's name: two sidecars of one model are one page.
 */
import * as z from "zod";
import { duration } from "../agent/units.ts";
import type { ApprovalSignal, DriftSignal, RolloutSignal, Signal, StateSignal, UnheardSignal } from "./signal.ts";

const httpUrl = (example: string) => z.url({ protocol: /^https?$/, error: `expected a URL such as "${example}"` });
const identity = ["alertname", "model", "severity", "stream", "decision", "actuator"];

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

export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: { readonly summary: string; readonly description: string };
  /** Of the first firing. */
  readonly startsAtMs: number;
  /** When it ends by itself; undefined: by a signal alone. */
  readonly untilMs: number | undefined;
  /** Undefined while it fires. */
  readonly endedAtMs: number | undefined;
}

/** By identity. */
export type Alerts = ReadonlyMap<string, Alert>;

export const alertsMax = 100;
const textMax = 1_000;
/** An end of a rollout is an event. It is shown for so long, for nothing comes that would end it unless another one is started. */
const abortedShownMs = 3_600_000;

/** What pages are made of. */
export type Paged = Signal | ApprovalSignal | UnheardSignal;

/**
 * What is to be told after a signal; the same map where it changes nothing. A state that is failed, isolated or on probation
 * fires `PilotfishFailover`, a healthy, degraded or suspect one resolves it, and the others say nothing about it; a drift
 * fires and resolves `PilotfishDrift`, a decision that waits for a person `PilotfishApproval`; a rollout that was aborted by
 * anything but a person fires `PilotfishRolloutAborted` for an hour or until another begins; an actuator of which nothing shows that
 * it heard, `PilotfishRolloutUnheard` until it does. Holds at most `alertsMax`: a new
 * one takes the place of the one resolved longest ago, or is let go where all fire.
 */
export function alertsOf(alerts: Alerts, signal: Paged): Alerts {
  const occurrence = occurrenceOf(signal);
  if (occurrence === undefined) return alerts;
  const { key, firing, atMs, untilMs, labels, annotations } = occurrence;
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
  return next.set(key, { labels, annotations, startsAtMs: atMs, untilMs, endedAtMs: undefined });
}

/** With those ended whose time is over; the same map where there are none. */
export function expired(alerts: Alerts, nowMs: number): Alerts {
  const isOver = ({ endedAtMs, untilMs }: Alert) => endedAtMs === undefined && untilMs !== undefined && untilMs <= nowMs;
  if (![...alerts.values()].some(isOver)) return alerts;
  return new Map([...alerts].map(([key, alert]) => [key, isOver(alert) ? { ...alert, endedAtMs: alert.untilMs } : alert]));
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

export interface Occurrence {
  readonly key: string;
  readonly firing: boolean;
  readonly atMs: number;
  readonly untilMs: number | undefined;
  readonly labels: Alert["labels"];
  readonly annotations: Alert["annotations"];
}

/** Undefined where the signal is no page's business. */
export function occurrenceOf(signal: Paged): Occurrence | undefined {
  switch (signal.type) {
    case "state":
      return failoverOf(signal);
    case "drift":
      return driftOf(signal);
    case "approval":
      return approvalOf(signal);
    case "unheard":
      return unheardOf(signal);
    case "rollout":
      return abortOf(signal);
    case "transition":
    case "directive":
    case "version":
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

function approvalOf({ target, status, decision, question, evidence, default: fallback, deadlineWallMs, atWallMs }: ApprovalSignal): Occurrence {
  const otherwise = `Without an answer by ${new Date(deadlineWallMs).toISOString()} it is ${fallback === "do" ? "done" : "not done"}`;
  return occurred(
    { alertname: "PilotfishApproval", model: target.model, severity: "critical", decision },
    status === "firing",
    atWallMs,
    `A decision about model ${target.model} waits for a person (${decision})`,
    `${question} ${evidence.replace(/\.$/, "")}. ${otherwise}; "pilotfish review" lists and answers it.`,
  );
}

/** A rollout that asks pages as a decision does, and who aborts it by hand knows. */
function abortOf({ target, candidate, phase, reason, message, atWallMs }: RolloutSignal): Occurrence {
  return {
    ...occurred(
      { alertname: "PilotfishRolloutAborted", model: target.model, severity: "warning" },
      phase === "aborted" && reason !== "person",
      atWallMs,
      `The rollout of ${candidate} for model ${target.model} was aborted (${reason})`,
      `${message.replace(/\.$/, "")}. The candidate gets no traffic any more; "pilotfish rollout status" shows the evidence and what was rolled back.`,
    ),
    untilMs: atWallMs + abortedShownMs,
  };
}

/** The gateway deals by the rollout all the same: what is out of step is whoever was to follow. After a roll-back that may be whoever still sends clients to a bad candidate. */
function unheardOf({ target, status, actuator, action, detail, atWallMs }: UnheardSignal): Occurrence {
  return occurred(
    { alertname: "PilotfishRolloutUnheard", model: target.model, severity: action === "roll-back" ? "critical" : "warning", actuator },
    status === "firing",
    atWallMs,
    `Nothing shows that ${actuator} heard of the ${action} for model ${target.model}`,
    `${detail.replace(/\.$/, "")}. The gateway deals by the rollout all the same; "pilotfish rollout status" shows what was tried.`,
  );
}

function occurred(labels: Alert["labels"], firing: boolean, atMs: number, summary: string, description: string): Occurrence {
  return { key: JSON.stringify(labels), firing, atMs, untilMs: undefined, labels, annotations: { summary, description: description.slice(0, textMax) } };
}

export function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}

/**
 * Pages: what happened is pushed to Alertmanager's v2 API, for clusters without Prometheus and for what no query can see. The
 * alert names here stand in no rule of ours, so that nothing pages twice.
 *
 * An alert is a level like everything else: it is sent again and again while it holds, ends by itself four resends after the
 * last one (an instance that dies leaves no page behind), and its end is sent for five minutes. Its labels are its identity,
 * so they hold nothing that changes and no pod's name: two sidecars of one model are one page. Every Alertmanager of a
 * cluster gets every alert; which of them notifies is their business.
 */
import type { Clock } from "../agent/clock.ts";
import type { Log } from "../agent/log.ts";
import { Receiver } from "./alertmanager-receiver.ts";
import { instruments } from "./instruments.ts";
import type { Meter } from "./meter.ts";
import { alertmanagerOptions, alertsOf, expired, occurrenceOf, type AlertmanagerOptions, type Alerts, type Paged } from "./pages.ts";

export { alertmanagerOptions };
export type { AlertmanagerOptions };

/** Posts JSON. Settles within `timeoutMs`; `detail` says for people what went wrong, with the answer's text where there is one. */
export type Post = (url: string, body: string, timeoutMs: number) => Promise<{ readonly ok: boolean; readonly detail: string; readonly status?: number }>;

export interface AlertmanagerDeps {
  readonly clock: Clock;
  readonly post: Post;
  readonly meter: Meter;
  readonly log: Log;
}

export interface Alertmanager {
  signal(signal: Paged): void;
  /** Begins to push. What it returns ends that: changes which are not delivered get one more try, and nothing is resolved, since another instance may go on. */
  start(): () => Promise<void>;
}

const resolvedKeptMs = 5 * 60_000;

export function alertmanager(options: AlertmanagerOptions, deps: AlertmanagerDeps): Alertmanager {
  const { clock, meter } = deps;
  let alerts: Alerts = new Map();

  function current(): Alerts {
    alerts = withoutForgotten(expired(alerts, clock.wallMs()), clock.wallMs());
    return alerts;
  }
  const receivers = options.urls.map((url) => new Receiver(url, options, deps, current));

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

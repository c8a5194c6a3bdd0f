/**
 * One Alertmanager. At most one push is under way; what changes meanwhile is told by the next, which always tells what is so
 * by then. After a failure it tries again after 1 s, 2 s, 4 s and so on up to the resend.
 *
 * Alertmanager takes all of a push or none, so one alert that it finds wrong (a label it does not know how to read, a text too
 * long) would keep all others from it. A push that is answered with 400 or another refusal is logged with the answer's text
 * and taken apart: each alert goes alone once, and the one that is refused alone is left out until it changes.
 */
import type { Cancel, Clock } from "../agent/clock.ts";
import type { Log } from "../agent/log.ts";
import { instruments } from "./instruments.ts";
import type { Counter, Meter } from "./meter.ts";
import { alertsBody, withoutSlash, type Alert, type AlertmanagerOptions, type Alerts } from "./pages.ts";

export interface ReceiverDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly post: (url: string, body: string, timeoutMs: number) => Promise<Posted>;
}

interface Posted {
  readonly ok: boolean;
  readonly detail: string;
  readonly status?: number;
}

const firstRetryMs = 1_000;
const detailMax = 400;

export class Receiver {
  readonly #url: string;
  readonly #host: string;
  readonly #options: AlertmanagerOptions;
  readonly #deps: ReceiverDeps;
  readonly #current: () => Alerts;
  /** Bound before the first, so that the first is seen as a rise. */
  readonly #counted: { readonly ok: Counter; readonly failed: Counter };
  /** What was refused when it went alone, by identity: the alert as it was then. */
  readonly #refused = new Map<string, Alert>();
  /** Something changed that no push has delivered yet. */
  #undelivered = false;
  #failures = 0;
  #pushing: Promise<void> | undefined;
  #open = false;
  #cancelResend: Cancel = () => {};
  #cancelRetry: Cancel = () => {};

  constructor(url: string, options: AlertmanagerOptions, deps: ReceiverDeps, current: () => Alerts) {
    this.#url = `${withoutSlash(url)}/api/v2/alerts`;
    this.#host = new URL(url).host;
    this.#options = options;
    this.#deps = deps;
    this.#current = current;
    this.#counted = { ok: this.#counter("ok"), failed: this.#counter("failed") };
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
    const alerts = this.#welcome();
    this.#undelivered = false;
    if (alerts.size === 0) return;
    this.#pushing = this.#pushAll(alerts).finally(() => {
      this.#pushing = undefined;
      if (this.#undelivered && this.#open && this.#failures === 0) this.#push();
    });
  }

  /** All but those that were refused and have not changed since. */
  #welcome(): Alerts {
    const alerts = this.#current();
    for (const [key, was] of this.#refused) if (alerts.get(key) !== was) this.#refused.delete(key);
    return new Map([...alerts].filter(([key]) => !this.#refused.has(key)));
  }

  async #pushAll(alerts: Alerts): Promise<void> {
    const posted = await this.#post(alerts);
    if (posted.ok) return this.#delivered();
    if (!isRefusal(posted)) return this.#failed(posted.detail);
    if (alerts.size === 1) return this.#leaveOut(alerts, posted.detail);
    for (const one of alerts) {
      const alone = new Map([one]);
      const answered = await this.#post(alone);
      if (answered.ok) this.#delivered();
      else if (isRefusal(answered)) this.#leaveOut(alone, answered.detail);
      else return this.#failed(answered.detail);
    }
  }

  #post(alerts: Alerts): Promise<Posted> {
    const { clock, post } = this.#deps;
    return post(this.#url, alertsBody(alerts, this.#options, clock.wallMs()), this.#options.timeout).catch((error: unknown) => ({ ok: false, detail: String(error) }));
  }

  #counter(result: "ok" | "failed" | "refused"): Counter {
    return this.#deps.meter.counter(instruments.notifications, { result });
  }

  #delivered(): void {
    this.#counted.ok.add();
    if (this.#failures > 0) this.#deps.log.info({ alertmanager: this.#host }, "Alertmanager takes alerts again");
    this.#failures = 0;
  }

  #leaveOut(alerts: Alerts, detail: string): void {
    this.#counter("refused").add();
    for (const [key, alert] of alerts) {
      this.#refused.set(key, alert);
      this.#deps.log.error({ alertmanager: this.#host, labels: alert.labels, detail: detail.slice(0, detailMax) }, "Alertmanager refuses an alert; it is not sent again until it changes");
    }
  }

  #failed(detail: string): void {
    const { clock, log } = this.#deps;
    this.#counted.failed.add();
    if (this.#failures === 0) log.warn({ alertmanager: this.#host, detail: detail.slice(0, detailMax) }, "Alertmanager does not take alerts");
    this.#failures += 1;
    this.#undelivered = true;
    if (!this.#open) return;
    const backoffMs = Math.min(this.#options.resend, firstRetryMs * 2 ** (this.#failures - 1));
    this.#cancelRetry = clock.after(backoffMs * (0.75 + 0.5 * clock.random()), () => this.#push());
  }
}

/** The push itself is found wrong: the same one would be again. Who is asked to come back later, or to log in first, is not refused. */
function isRefusal({ status }: Posted): boolean {
  return status === 400 || status === 413 || status === 422;
}

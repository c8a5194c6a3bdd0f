/**
 * Does the server say that it is ready? The status code alone decides, because bodies differ between servers and some send
 * none. It finds a dead or frozen process; a frozen engine behind a healthy port is for the other probes to find.
 */
import type { Clock } from "../clock.ts";
import type { ask } from "../forward/ask.ts";
import { failed, passed, type Probe } from "./probe.ts";
import { reasonOf } from "./reason.ts";

export interface HttpProbeOptions {
  readonly url: URL;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

export interface HttpProbeDeps {
  readonly clock: Clock;
  readonly ask: typeof ask;
}

export function httpProbe({ url, intervalMs, timeoutMs }: HttpProbeOptions, deps: HttpProbeDeps): Probe {
  const question = `GET ${url.pathname}`;
  return {
    name: "http",
    intervalMs,
    repeats: true,
    async ask(signal) {
      const asked = await deps.ask(deps.clock, { url, timeoutMs, signal });
      if (!asked.ok) return failed("http", reasonOf[asked.outcome], asked.durationMs, `${question}: ${asked.detail}`);
      const detail = `${question} answered ${asked.status}`;
      return asked.status >= 200 && asked.status < 300
        ? passed("http", asked.durationMs, detail)
        : failed("http", "status", asked.durationMs, detail);
    },
  };
}

/**
 * Does the server say that it is ready? Its model's own readiness counts where the protocol has a path for it and the model's
 * name is known: a server with several models is not ready while any of them loads (triton#7014), and ready while ours is not
 * loaded (triton#7588). A server without such a path is asked for its own readiness.
 *
 * The status decides, because bodies differ between servers and some send none; the body only where the protocol says that a
 * good status is not enough. It finds a dead or frozen process and a model that is gone; a frozen engine behind a healthy port
 * is for the other probes to find.
 */
import type { Clock } from "../clock.ts";
import type { ask } from "../forward/ask.ts";
import type { ProbeObservation } from "../observation.ts";
import { failed, passed, type Probe } from "./probe.ts";
import { reasonOf } from "./reason.ts";

export interface HttpProbeOptions {
  /** Readiness of the server. */
  readonly url: URL;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

export interface HttpProbeDeps {
  readonly clock: Clock;
  readonly ask: typeof ask;
  /** Readiness of the model; undefined as long as its name is not known, or where there is none. */
  readonly modelUrl?: () => URL | undefined;
  /** What the body of the model's readiness says. */
  readonly isReady?: ((json: unknown) => boolean) | undefined;
}

/** A path that is not there, rather than a model that is not ready. */
const noSuchPath: ReadonlySet<number> = new Set([404, 405, 501]);

export function httpProbe({ url, intervalMs, timeoutMs }: HttpProbeOptions, { clock, ask: askServer, modelUrl, isReady }: HttpProbeDeps): Probe {
  /** The model's readiness that was good once: from then on a missing path is a missing model. */
  let passedAt: string | undefined;

  const askAt = async (at: URL, signal: AbortSignal, holds: (body: Buffer) => boolean): Promise<{ readonly seen: ProbeObservation; readonly status: number | undefined }> => {
    const question = `GET ${at.pathname}`;
    const asked = await askServer(clock, { url: at, timeoutMs, signal });
    const { durationMs } = asked;
    if (!asked.ok) return { seen: failed("http", reasonOf[asked.outcome], durationMs, `${question}: ${asked.detail}`), status: undefined };
    const { status, body } = asked;
    const detail = `${question} answered ${status}`;
    if (status < 200 || status >= 300) return { seen: failed("http", "status", durationMs, detail), status };
    return { seen: holds(body) ? passed("http", durationMs, detail) : failed("http", "status", durationMs, `${detail}: the model is not ready`), status };
  };

  return {
    name: "http",
    intervalMs,
    repeats: true,
    async ask(signal) {
      const model = modelUrl?.();
      if (model !== undefined) {
        const { seen, status } = await askAt(model, signal, (body) => isReady?.(jsonOf(body)) ?? true);
        if (seen.verdict === "pass") passedAt = model.href;
        if (passedAt === model.href || status === undefined || !noSuchPath.has(status)) return seen;
      }
      return (await askAt(url, signal, () => true)).seen;
    },
  };
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

/**
 * Inferences that others saw: where Pilotfish stands beside the traffic and not in it, the payload logger of KServe or Seldon sends
 * each request and each answer as an event, and a pair of them is a sample like the gateway's own.
 *
 * KServe's logger (types `org.kubeflow.serving.inference.*`) gives both the same id; Seldon's (`io.seldon.serving.inference.*`) the
 * same `requestid`. Either may come first. The time between the two is taken for the inference's only where both say when they were.
 */
import type { IncomingHttpHeaders } from "node:http";
import { primaryName } from "../backend.ts";
import type { Clock } from "../clock.ts";
import type { Close } from "../lifecycle.ts";
import type { Observe } from "../observation.ts";
import { readCloudEvents, type CloudEvent, type EventMistake } from "./cloud-events.ts";
import type { IntakeOptions } from "./options.ts";

export interface IntakeDeps {
  readonly clock: Clock;
  readonly observe: Observe;
  /** Which protocol the bodies are in, where an event does not say. */
  readonly protocol: () => string;
  /** The model that is watched, where one is configured: events name the service, not the model. */
  readonly model: () => string | undefined;
  /** Halves whose other one did not come, or came twice. */
  readonly dropped: (what: "intake-pairs" | "intake-duplicates", count?: number) => void;
}

export type Taken =
  /** `ignored`: events of other kinds, which a logger also sends. */
  { readonly ok: true; readonly accepted: number; readonly ignored: number } | { readonly ok: false; readonly mistakes: readonly EventMistake[] };

export interface Intake {
  /** All or nothing: with one mistake in a batch none of it is taken. */
  readonly take: (mediaType: string, headers: IncomingHttpHeaders, body: Uint8Array) => Taken;
  /** Halves that wait for their other one. */
  readonly waiting: () => number;
  readonly start: () => Close;
}

type Side = "request" | "response";

const kinds: ReadonlyMap<string, Side> = new Map([
  ["org.kubeflow.serving.inference.request", "request"],
  ["org.kubeflow.serving.inference.response", "response"],
  ["io.seldon.serving.inference.request", "request"],
  ["io.seldon.serving.inference.response", "response"],
]);

/** Seldon's words for what the bodies speak. */
const protocols: Readonly<Record<string, string>> = { v2: "open-inference", kfserving: "open-inference", tensorflow: "tf-serving" };

interface Half {
  readonly side: Side;
  readonly event: CloudEvent;
  readonly atMs: number;
}

export function intake(options: IntakeOptions, { clock, observe, protocol, model, dropped }: IntakeDeps): Intake {
  /** By source and inference, oldest first. */
  const halves = new Map<string, Half>();
  let bytes = 0;

  function letGo(key: string, { event }: Half): void {
    halves.delete(key);
    bytes -= event.data.byteLength;
  }

  function hear(side: Side, event: CloudEvent): void {
    const id = event.attributes["requestid"] ?? event.id;
    const key = JSON.stringify([event.attributes["namespace"], event.attributes["inferenceservicename"], id]);
    const other = halves.get(key);
    if (other?.side === side) return dropped("intake-duplicates");
    if (other !== undefined) {
      letGo(key, other);
      return side === "request" ? pair(id, event, other.event) : pair(id, other.event, event);
    }
    halves.set(key, { side, event, atMs: clock.monotonicMs() });
    bytes += event.data.byteLength;
    for (const [oldest, half] of halves) {
      if (halves.size <= options.waiting && bytes <= options.waitingBytes) break;
      letGo(oldest, half);
      dropped("intake-pairs");
    }
  }

  function pair(inferenceId: string, request: CloudEvent, response: CloudEvent): void {
    const { attributes } = request;
    const name = model() ?? attributes["modelid"] ?? attributes["inferenceservicename"] ?? request.source;
    const spoken = protocols[attributes["protocol"] ?? ""] ?? protocol();
    const atWallMs = clock.wallMs();
    const common = { inferenceId, model: name, version: undefined, rung: primaryName, atWallMs };
    observe({ kind: "sample", ...common, protocol: spoken, request: request.data, response: response.data });
    if (request.atWallMs === undefined || response.atWallMs === undefined) return;
    observe({
      kind: "exchange", ...common,
      inference: true,
      reason: "normal",
      outcome: "ok",
      status: 200,
      durationMs: Math.max(0, response.atWallMs - request.atWallMs),
      attempts: 1,
      requestBytes: request.data.byteLength,
      responseBytes: response.data.byteLength,
      traceparent: undefined,
    });
  }

  return {
    take(mediaType, headers, body) {
      const read = readCloudEvents(mediaType, headers, body);
      if (!read.ok) return read;
      let accepted = 0;
      for (const event of read.events) {
        const side = kinds.get(event.type);
        if (side === undefined) continue;
        accepted += 1;
        hear(side, event);
      }
      return { ok: true, accepted, ignored: read.events.length - accepted };
    },
    waiting: () => halves.size,
    start: () =>
      clock.every(1_000, () => {
        const nowMs = clock.monotonicMs();
        for (const [key, half] of halves) {
          if (nowMs - half.atMs < options.wait) break;
          letGo(key, half);
          dropped("intake-pairs");
        }
      }),
  };
}

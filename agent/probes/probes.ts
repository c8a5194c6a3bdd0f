/** The probes: which there are, what they take, and how they are started. */
import * as z from "zod";
import { adapterNames } from "../adapters/adapters.ts";
import { metricsPage } from "../adapters/page.ts";
import type { Clock } from "../clock.ts";
import type { ask } from "../forward/ask.ts";
import { under } from "../forward/under.ts";
import type { Close } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import type { Observe } from "../observation.ts";
import type { Protocol } from "../protocols/protocol.ts";
import { duration } from "../units.ts";
import { httpProbe } from "./http.ts";
import { inferenceProbe } from "./inference.ts";
import { knownAnswer, knownAnswerSchema, knownRequest } from "./known-question.ts";
import type { Probe } from "./probe.ts";
import { progressMetrics } from "./progress-metrics.ts";
import { progressProbe } from "./progress-probe.ts";
import type { GatewayWork } from "./progress.ts";
import { runProbe } from "./run.ts";

const httpOptions = z.strictObject({
  /** Default: where the protocol has the readiness of the model that is watched, else that of the server. */
  path: z.string().startsWith("/", { error: 'expected a path, such as "/v2/health/ready"' }).optional(),
  interval: duration(100).prefault("1s"),
  timeout: duration(10).prefault("750ms"),
});

const inferenceOptions = z.strictObject({
  interval: duration(100).prefault("10s"),
  timeout: duration(10).prefault("2s"),
  /** Default: the model that is watched. */
  model: z.string().min(1).max(200).optional(),
  /** The path of a JSON file, or the body itself. */
  request: z.union([z.string().min(1), z.record(z.string(), z.unknown())], { error: "expected the path of a JSON file, or the request itself as an object" }),
  /**
   * What the answer must hold: by the output's name all its values, row-major; or the path of a JSON file with that. Outputs
   * that are not named are not looked at.
   */
  expect: z.union([z.string().min(1), knownAnswerSchema], { error: "expected the path of a JSON file, or by an output's name the list of its values" }),
  /** Numbers may differ by this much: relative to the expected one, or absolutely where that is below 1. */
  tolerance: z.number().nonnegative().default(1e-4),
  /** The version that `expect` is of: of another one that answers the outputs' names and sizes are compared, and not their values. */
  version: z.string().min(1).max(200).optional(),
});

const progressOptions = z.strictObject({
  interval: duration(50).prefault("250ms"),
  /** Nothing is called a stall that is shorter. */
  floor: duration(100).prefault("1500ms"),
  /** How many times the longest pause of late is a stall. */
  factor: z.number().min(1).default(2),
  /** The limit as long as nothing was completed since the server started. */
  cold: duration(100).prefault("10s"),
  /** Whose metrics the server has; `auto` knows it by their names. */
  adapter: z.enum(["auto", "off", ...adapterNames]).default("auto"),
});

export const probesOptions = z.strictObject({
  http: httpOptions.prefault({}),
  inference: inferenceOptions.optional(),
  progress: progressOptions.prefault({}),
});
export type ProbesOptions = z.infer<typeof probesOptions>;

export interface ProbesDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly ask: typeof ask;
  readonly observe: Observe;
  readonly server: URL;
  readonly protocol: Protocol;
  /** The name of the model that is watched; undefined as long as it is not known. */
  readonly model: () => string | undefined;
  /** The gateway's account of its work at the primary; undefined where traffic does not pass Pilotfish. */
  readonly work: () => GatewayWork | undefined;
  /** Where the server's metrics are; `off` where they are not to be read. Default: the adapter's own place. */
  readonly metrics?: string | undefined;
  /** How often the server was seen to come up anew; default never. */
  readonly restarts?: (() => number) | undefined;
}

/** An older reading of the server's metrics is not looked at: two and a half of the collector's default intervals. */
const staleMs = 5_000;
/** A page that takes longer comes too late for a verdict. */
const pageTimeoutMs = 1_000;

const makers = {
  http({ http }, { clock, ask, server, protocol, model }) {
    const options = { url: under(server, http.path ?? protocol.paths.ready), intervalMs: http.interval, timeoutMs: http.timeout };
    const { modelReady } = protocol.paths;
    if (http.path !== undefined || modelReady === undefined) return httpProbe(options, { clock, ask });
    const modelUrl = () => {
      const name = model();
      return name === undefined ? undefined : under(server, modelReady(name));
    };
    return httpProbe(options, { clock, ask, modelUrl, isReady: protocol.isReady });
  },

  inference({ inference }, { clock, ask, server, protocol, model }) {
    if (inference === undefined) return undefined;
    const { interval, timeout, request, expect, tolerance, version } = inference;
    const url = () => {
      const name = inference.model ?? model();
      return name === undefined ? undefined : under(server, protocol.paths.infer(name));
    };
    const known = { body: knownRequest(request), known: knownAnswer(expect), tolerance, version };
    return inferenceProbe({ intervalMs: interval, timeoutMs: timeout, ...known }, { clock, ask, protocol, url });
  },

  progress({ progress: { interval, floor, factor, cold, adapter } }, { clock, ask, server, model, work, metrics, restarts }) {
    const readServerWork =
      metrics === "off" || adapter === "off"
        ? undefined
        : progressMetrics(metricsPage({ server, url: metrics === undefined ? undefined : new URL(metrics), adapter, timeoutMs: pageTimeoutMs }, { clock, ask, model }));
    return progressProbe({ intervalMs: interval, floorMs: floor, factor, coldMs: cold, staleMs }, { clock, work, readServerWork, restarts });
  },
} as const satisfies Record<Probe["name"], (options: ProbesOptions, deps: ProbesDeps) => Probe | undefined>;

/** Throws an Error that names the option where the known request or its answer can not be read. */
export function probes(options: ProbesOptions, deps: ProbesDeps): { start(): Close } {
  const made = Object.values(makers).flatMap((make) => make(options, deps) ?? []);
  return {
    start() {
      const closes = made.map((probe) => runProbe(probe, deps));
      return () => {
        for (const close of closes) void close();
      };
    },
  };
}

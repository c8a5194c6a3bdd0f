/**
 * What differs from one house to another in the generated dashboards and rules: the mixin's config. Whoever wants other values
 * generates their own copy (`node grafana/generate.ts --config FILE --out FOLDER`); the copies in grafana/ have the defaults.
 */
import * as z from "zod";
import { duration } from "../agent/units.ts";
import { instruments } from "../exporters/instruments.ts";

const bounds = instruments.requestDuration.buckets ?? [];

const baseUrl = (fallback: string) =>
  z.url({ protocol: /^https?$/, error: `expected a URL such as "${fallback}"` }).transform((url) => url.replace(/\/+$/, "")).default(fallback);

const ratio = (fallback: number) => z.number().gt(0).lt(1).default(fallback);

/** A duration as Prometheus writes it; it goes into the rules as it is. */
const promDuration = z.string().regex(/^(0|(\d+(ms|[smhdw]))+)$/, 'expected a duration as Prometheus writes it, such as "90s" or "1h30m"');

/** How urgent: somebody is called at night, somebody looks within days, it helps who looks already, nobody is told. */
export const urgencies = ["page", "ticket", "info", "none"] as const;
export type Urgency = (typeof urgencies)[number];

const severity = (fallback: string) => z.string().min(1).default(fallback);

const labelName = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, "expected a label's name: letters, digits and underscores");

export const dashboardsOptions = z.strictObject({
  /** Where docs/runbooks is published; an alert's page is `<runbooks>/<alert's name>.md`. */
  runbooks: baseUrl("https://example.com/pilotfish/docs/runbooks"),
  /** Where Grafana is, for the link from an alert to its board. */
  grafana: baseUrl("http://localhost:3000"),
  /** The name of Prometheus's scrape job for Pilotfish; every rule reads the series of this job only. */
  job: z.string().min(1).default("pilotfish"),
  /** Further labels that every series must have, such as `cluster: eu`; a first `!`, `~` or `!~` means "not", "matches" or "does not match". */
  selector: z.record(labelName, z.string()).default({}),
  /** What tells one service from another beside its model: objectives are judged over all replicas that share these labels. */
  group: z.array(labelName).min(1).default(["job", "namespace"]),
  /** Labels put on every alert, such as a team. */
  labels: z.record(labelName, z.string().min(1)).default({}),
  /** What the label `severity` says. The defaults are those of kube-prometheus, whose inhibitions and routes then hold. */
  severities: z.strictObject({ page: severity("critical"), ticket: severity("warning"), info: severity("info"), none: severity("none") }).prefault({}),

  /** The time that an error budget is for. */
  period: z.enum(["7d", "28d", "30d"]).default("30d"),
  /** Share of requests to be answered over the period. */
  objective: ratio(0.999),
  /** Share of answers to come within `slow`. */
  latencyObjective: ratio(0.99),
  /** Share of answers to be the model's own, and no fallback's. */
  qualityObjective: ratio(0.99),
  /** Requests within an hour (a day for the slow burn) below which a budget calls nobody: one failure in three says little. */
  minimumRequests: z.int().positive().default(100),
  /** Bad requests within the long window below which a budget calls nobody, whatever share they are. */
  minimumBad: z.int().positive().default(5),
  /** An answer that takes longer is slow. On a bucket's bound, for only there is the share of slow answers known exactly. */
  slow: duration()
    .refine((ms) => bounds.includes(ms / 1000), { error: `must be one of the buckets' bounds: ${bounds.map((s) => `${s}s`).join(", ")}` })
    .prefault("1s"),

  thresholds: z
    .strictObject({
      /** How long a failover may last before it is a ticket of its own. */
      failover: promDuration.default("30m"),
      /** Requests that wait in the model server. */
      queue: z.number().positive().default(50),
      /** Share of requests that find no place under the adaptive limit. */
      shed: ratio(0.05),
      /** Share of copies in which a rung must agree with the primary. */
      agreement: ratio(0.8),
      /** How far the members of an ensemble may disagree, 0 to 1. */
      disagreement: ratio(0.5),
      /** What a performance metric must not fall below, by its name, such as `f1: 0.8`. */
      performance: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), z.number()).refine((floors) => Object.keys(floors).length > 0, "expected at least one metric, such as { roc_auc: 0.7 }").default({ accuracy: 0.5, roc_auc: 0.6 }),
      /** The fleet's population stability index over an hour, above which it counts as far from the reference. */
      fleetPsi: z.number().positive().default(0.25),
      rollout: z
        .strictObject({
          /** How long a rollout may wait for a person. */
          undecided: promDuration.default("30m"),
          /** Share of the copies for a candidate that may be let go. */
          letGo: ratio(0.5),
          /** Changes of version within an hour that are too many. */
          versionChanges: z.number().positive().default(3),
        })
        .prefault({}),
      memory: ratio(0.9),
      gpuMemory: ratio(0.97),
      /** Degrees Celsius below the temperature at which a GPU slows down. */
      gpuMargin: z.number().positive().default(5),
      /** Share of the state folder's disk that must stay free. */
      diskFree: ratio(0.1),
      /** Seconds that Pilotfish's main loop may be late. */
      loopDelay: z.number().positive().default(0.25),
    })
    .prefault({}),

  /** What is to be otherwise for single alerts, by name. */
  alerts: z
    .record(
      z.string(),
      z.strictObject({ enabled: z.boolean().default(true), for: promDuration.optional(), keepFiringFor: promDuration.optional(), urgency: z.enum(urgencies).optional() }),
    )
    .default({}),
});

export type DashboardsOptions = z.output<typeof dashboardsOptions>;

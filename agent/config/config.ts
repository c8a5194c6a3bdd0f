/**
 * The config: one YAML (or JSON) file, composed of what each room says it takes. Parsing knows nothing of the world and
 * finds every mistake in one go, each with its path and its line; what can only be seen outside (files, listeners that
 * collide) is check.ts's work. Sections without a mistake are handed on even where others have some, so that one run tells all.
 */
import { LineCounter, parseDocument, type Document } from "yaml";
import * as z from "zod";
import { alertmanagerOptions } from "../../exporters/alertmanager.ts";
import { logOptions } from "../../exporters/logs.ts";
import { otlpOptions } from "../../exporters/opentelemetry.ts";
import { signalsOptions } from "../../exporters/websocket.ts";
import { apiOptions } from "../api/options.ts";
import { referencesOptions } from "../api/references.ts";
import { metricsOptions } from "../api/metrics-listener.ts";
import { confidenceOptions, contractOptions } from "../contract/options.ts";
import { collectorsOptions } from "../collectors/collectors.ts";
import { failoverOptions } from "../failover/failover.ts";
import { gatewayOptions } from "../gateway/options.ts";
import { intakeOptions } from "../intake/options.ts";
import { ladderOptions } from "../ladder/ladder.ts";
import { monitorsOptions } from "../monitors/options.ts";
import { qualificationOptions } from "../monitors/qualification-options.ts";
import { probesOptions } from "../probes/probes.ts";
import { plainOptions } from "../protocols/plain-options.ts";
import { protocolNames } from "../protocols/protocols.ts";
import { retrainOptions } from "../rollout/retrain/options.ts";
import { decisionsOptions } from "../reviews/options.ts";
import { rolloutOptions } from "../rollout/options.ts";
import { storeOptions } from "../store/options.ts";
import { explain, locate, type Problem } from "./problem.ts";
import { inWords } from "./words.ts";

const serverOptions = z.strictObject(
  {
    /** The model server beside us. */
    url: z.url({ protocol: /^https?$/, error: 'expected the model server\'s URL, such as "http://127.0.0.1:8080"' }),
    /** `auto`: the server is asked what it speaks. */
    protocol: z.enum(["auto", ...protocolNames]).default("auto"),
    /** Only of the protocol `plain`: where things stand in its bodies. */
    plain: plainOptions.prefault({}),
  },
  { error: ({ input }) => (input === undefined ? 'is missing: expected at least its URL, such as "server: {url: http://127.0.0.1:8080}"' : undefined) },
);

const modelOptions = z.strictObject({
  /** The model to watch; without it the first one that the server names, or that traffic asks for. */
  name: z.string().min(1).max(200).optional(),
  /** What normal looks like: a file made by building a reference. Without it one is learnt from traffic. */
  reference: z.string().min(1).optional(),
});

export const configSchema = z.strictObject({
  server: serverOptions,
  model: modelOptions.prefault({}),
  gateway: gatewayOptions.prefault({}),
  ladder: ladderOptions.prefault([]),
  qualification: qualificationOptions.prefault({}),
  contract: contractOptions.prefault({}),
  confidence: confidenceOptions.prefault({}),
  probes: probesOptions.prefault({}),
  collectors: collectorsOptions.prefault({}),
  failover: failoverOptions.prefault({}),
  decisions: decisionsOptions.prefault({}),
  rollout: rolloutOptions.prefault({}),
  retrain: retrainOptions.prefault({}),
  monitors: monitorsOptions.prefault({}),
  store: storeOptions.prefault({}),
  signals: signalsOptions.prefault({}),
  api: apiOptions.prefault({}),
  references: referencesOptions.prefault({}),
  intake: intakeOptions.prefault({}),
  metrics: metricsOptions.prefault({}),
  otlp: otlpOptions.prefault({}),
  alertmanager: alertmanagerOptions.prefault({}),
  log: logOptions.prefault({}),
});
export type Config = z.infer<typeof configSchema>;

export type Parsed = (
  | { readonly ok: true; readonly config: Config }
  /** With the sections in which nothing is wrong. */
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly config: Partial<Config> }
) & {
  /** Adds to a problem that was found elsewhere where its option stands in the text, or that a setting gave it. */
  readonly place: (problem: Problem) => Problem;
};

/** Nothing but a URL: everything else at its default. */
export function configFor(serverUrl: string, settings: readonly string[] = []): Parsed {
  return parseConfig(`server:\n  url: ${JSON.stringify(serverUrl)}\n`, settings);
}

/**
 * @param text YAML or JSON, at most 1 MiB.
 * @param settings `path=value` lines that win over the text, such as `gateway.port=0`.
 */
export function parseConfig(text: string, settings: readonly string[] = []): Parsed {
  if (text.length > 1_048_576) return unreadable([{ path: "", message: "the config is larger than 1 MiB" }]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const faults = [...document.errors, ...document.warnings].map((fault): Problem => {
    const { line, col } = lines.linePos(fault.pos[0]);
    return { path: "", line, column: col, message: `no valid YAML: ${yamlWords[fault.code] ?? fault.message}` };
  });
  if (faults.length > 0) return unreadable(faults);

  const set = settings.map((setting) => ({ path: setting.split("=", 1)[0] as string, bad: apply(document, setting) }));
  const bad = set.flatMap((setting) => setting.bad);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    return unreadable([{ path: "", message: `no valid YAML: ${error instanceof Error ? error.message : String(error)}` }]);
  }
  const place = (problem: Problem): Problem => {
    const isSet = set.some((setting) => setting.bad.length === 0 && (isUnder(problem.path, setting.path) || isUnder(setting.path, problem.path)));
    return isSet ? { ...problem, message: `${problem.message} (given by --set)` } : { ...problem, ...locate(problem.path.split("."), document, lines) };
  };
  const result = configSchema.safeParse(value, { error: inWords });
  if (result.success && bad.length === 0) return { ok: true, config: result.data, place };
  const problems = result.success ? [] : explain(result.error).map(place);
  return { ok: false, problems: [...bad, ...problems], config: goodSections(value), place };
}

function isUnder(path: string, above: string): boolean {
  return `${path}.`.startsWith(`${above}.`);
}

const yamlWords: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: "this name stands in the same map for the second time; keep one of them",
  MULTIPLE_DOCS: 'a second document begins here; remove the "---" or what follows it',
};

function unreadable(problems: readonly Problem[]): Parsed {
  return { ok: false, problems, config: {}, place: (problem) => problem };
}

function goodSections(value: unknown): Partial<Config> {
  const given = typeof value === "object" ? (value as Readonly<Record<string, unknown>>) : {};
  const good = Object.entries(configSchema.shape).flatMap(([name, section]) => {
    const { success, data } = section.safeParse(given[name]);
    return success ? [[name, data]] : [];
  });
  return Object.fromEntries(good) as Partial<Config>;
}

function apply(document: Document, setting: string): readonly Problem[] {
  const equals = setting.indexOf("=");
  const path = setting.slice(0, equals).split(".");
  if (equals < 1 || path.includes("")) return [{ path: setting, message: "expected path=value, such as gateway.port=0" }];
  const value = parseDocument(setting.slice(equals + 1));
  if (value.errors.length > 0) return [{ path: path.join("."), message: `no valid value: ${setting.slice(equals + 1)}` }];
  if (document.contents === null) document.contents = document.createNode({}) as unknown as typeof document.contents;
  try {
    document.setIn(path.map((part) => (/^\d+$/.test(part) ? Number(part) : part)), value.toJS());
  } catch {
    return [{ path: path.join("."), message: "there is a plain value on the way to this path" }];
  }
  return [];
}

/**
 * The config: one YAML (or JSON) file, composed of what each room says it takes. Parsing knows nothing of the world and
 * finds every mistake in one go, each with its path and its line; what can only be seen outside (files, listeners that
 * collide) is check.ts's work.
 */
import { LineCounter, parseDocument, type Document } from "yaml";
import { z } from "zod";
import { alertmanagerOptions } from "../../exporters/alertmanager.ts";
import { logOptions } from "../../exporters/logs.ts";
import { otlpOptions } from "../../exporters/opentelemetry.ts";
import { signalsOptions } from "../../exporters/websocket.ts";
import { apiOptions } from "../api/api.ts";
import { metricsOptions } from "../api/metrics-listener.ts";
import { collectorsOptions } from "../collectors/collectors.ts";
import { failoverOptions } from "../failover/failover.ts";
import { gatewayOptions } from "../gateway/gateway.ts";
import { ladderOptions } from "../ladder/ladder.ts";
import { monitorsOptions } from "../monitors/options.ts";
import { probesOptions } from "../probes/probes.ts";
import { storeOptions } from "../store/options.ts";
import { explain, type Problem } from "./problem.ts";

const serverOptions = z.strictObject({
  /** The model server beside us. */
  url: z.url({ protocol: /^https?$/, error: 'expected the model server\'s URL, such as "http://127.0.0.1:8080"' }),
  protocol: z.enum(["auto", "open-inference"]).default("auto"),
});

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
  probes: probesOptions.prefault({}),
  collectors: collectorsOptions.prefault({}),
  failover: failoverOptions.prefault({}),
  monitors: monitorsOptions.prefault({}),
  store: storeOptions.prefault({}),
  signals: signalsOptions.prefault({}),
  api: apiOptions.prefault({}),
  metrics: metricsOptions.prefault({}),
  otlp: otlpOptions.prefault({}),
  alertmanager: alertmanagerOptions.prefault({}),
  log: logOptions.prefault({}),
});
export type Config = z.infer<typeof configSchema>;

export type Parsed = { readonly ok: true; readonly config: Config } | { readonly ok: false; readonly problems: readonly Problem[] };

/** Nothing but a URL: everything else at its default. */
export function configFor(serverUrl: string, settings: readonly string[] = []): Parsed {
  return parseConfig(`server:\n  url: ${JSON.stringify(serverUrl)}\n`, settings);
}

/**
 * @param text YAML or JSON, at most 1 MiB.
 * @param settings `path=value` lines that win over the text, such as `gateway.port=0`.
 */
export function parseConfig(text: string, settings: readonly string[] = []): Parsed {
  if (text.length > 1_048_576) return { ok: false, problems: [{ path: "", message: "the config is larger than 1 MiB" }] };
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const faults = document.errors.map((error): Problem => {
    const { line, col } = lines.linePos(error.pos[0]);
    return { path: "", line, column: col, message: `no valid YAML: ${error.message}` };
  });
  if (faults.length > 0) return { ok: false, problems: faults };

  const bad = settings.flatMap((setting) => apply(document, setting));
  if (bad.length > 0) return { ok: false, problems: bad };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    return { ok: false, problems: [{ path: "", message: `no valid YAML: ${error instanceof Error ? error.message : String(error)}` }] };
  }
  const result = configSchema.safeParse(value);
  if (result.success) return { ok: true, config: result.data };
  return { ok: false, problems: explain(result.error, configSchema, document, lines) };
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

/** The real Prometheus with our rules, and what it is asked. */
import { writeFile } from "node:fs/promises";
import { freePort } from "../../agent/cli/demo/free-port.ts";
import { readOptions } from "../../dashboards/mixin.ts";
import { ruleGroups } from "../../dashboards/rules.ts";
import type { Process, Stage } from "./processes.ts";

export interface Watching {
  readonly alertmanagers?: readonly string[];
  /** Of the mixin, such as shorter waits. */
  readonly options?: object;
  /** Between two scrapes, and two evaluations of the rules. */
  readonly every?: "500ms" | "1s";
}

/** Kept with its address once it is ready. Scrapes each of the addresses. */
export async function startPrometheus(stage: Stage, metrics: readonly string[], { alertmanagers = [], options = {}, every = "1s" }: Watching = {}): Promise<string> {
  const address = `127.0.0.1:${await freePort()}`;
  await writeFile(stage.path("rules.yml"), JSON.stringify(ruleGroups(readOptions(options))));
  const config = {
    global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
    rule_files: [stage.path("rules.yml")],
    alerting: { alertmanagers: [{ static_configs: [{ targets: alertmanagers }] }] },
    scrape_configs: [{ job_name: "pilotfish", static_configs: [{ targets: metrics.map((url) => new URL(url).host) }] }],
  };
  await writeFile(stage.path("prometheus.yml"), JSON.stringify(config));
  const prometheus = stage.start("prometheus", [
    "prometheus", `--config.file=${stage.path("prometheus.yml")}`, `--storage.tsdb.path=${stage.path("prometheus")}`,
    `--web.listen-address=${address}`, "--log.level=warn",
    // It takes some seconds to find its Alertmanagers; what it had to say before is told again after this delay, a minute by default.
    "--rules.alert.resend-delay=1s",
  ]);
  await ready(stage, prometheus, address);
  return address;
}

export const ready = (stage: Stage, process: Process, address: string) =>
  stage.eventually(`${process.name} is ready`, 20_000, async () => (await fetch(`http://${address}/-/ready`)).ok, process);

/** Names of the alerts of our rules that fire now. */
export async function firingNow(prometheus: string): Promise<string[]> {
  const { data } = (await (await fetch(`http://${prometheus}/api/v1/alerts`)).json()) as { data: { alerts: { state: string; labels: Record<string, string> }[] } };
  return data.alerts.filter(({ state }) => state === "firing").map(({ labels }) => labels["alertname"] ?? "");
}

export interface Asked {
  readonly ok: boolean;
  /** Series in the answer with a number in it. */
  readonly series: number;
  /** What is wrong with the question. */
  readonly error: string | undefined;
}

/** As a panel asks: over a time range, in steps. Times are Unix seconds. */
export async function askOver(prometheus: string, expr: string, fromS: number, toS: number, stepS: number): Promise<Asked> {
  const body = new URLSearchParams({ query: expr, start: String(fromS), end: String(toS), step: String(stepS) });
  const response = await fetch(`http://${prometheus}/api/v1/query_range`, { method: "POST", body });
  const { status: verdict, data, error } = (await response.json()) as { status: string; data?: { result: { values: [number, string][] }[] }; error?: string };
  const isNumber = ([, value]: [number, string]) => Number.isFinite(Number(value));
  return { ok: verdict === "success", series: data?.result.filter(({ values }) => values.some(isNumber)).length ?? 0, error };
}

/** How many series the expression has now. */
export async function seriesOf(prometheus: string, expr: string): Promise<number> {
  const response = await fetch(`http://${prometheus}/api/v1/query?query=${encodeURIComponent(expr)}`);
  const { data } = (await response.json()) as { data?: { result: unknown[] } };
  return data?.result.length ?? 0;
}

/** The names of all series that it has. */
export async function seriesNames(prometheus: string): Promise<readonly string[]> {
  const response = await fetch(`http://${prometheus}/api/v1/label/__name__/values`);
  return ((await response.json()) as { data: string[] }).data;
}

/** The real Prometheus and Alertmanager with our rules, and a receiver for what Alertmanager sends; on loopback, for a test. */
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { freePort } from "../../agent/cli/demo/free-port.ts";
import { readOptions } from "../../dashboards/mixin.ts";
import { ruleGroups } from "../../dashboards/rules.ts";
import type { Addresses } from "./pilotfish.ts";
import type { Process, Stage } from "./processes.ts";

/** An alert as a webhook of Alertmanager tells it. */
export interface Page {
  readonly status: "firing" | "resolved";
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A server that answers all requests with one status, and keeps their bodies. */
export async function listener(stage: Stage, status: number): Promise<{ readonly url: string; readonly bodies: readonly string[] }> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      bodies.push(Buffer.concat(chunks).toString());
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stage.later(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies };
}

export const pagesOf = (bodies: readonly string[]): Page[] => bodies.flatMap((body) => (JSON.parse(body) as { alerts: Page[] }).alerts);

export interface Started {
  readonly address: string;
  readonly process: Process;
}

/** @param address of one that was ended before, to be started again. */
export async function startAlertmanager(stage: Stage, webhook: string, address?: string): Promise<Started> {
  const at = address ?? `127.0.0.1:${await freePort()}`;
  const name = `alertmanager-${at.split(":")[1]}`;
  const config = {
    route: { receiver: "test", group_by: ["..."], group_wait: "100ms", group_interval: "200ms", repeat_interval: "1h" },
    receivers: [{ name: "test", webhook_configs: [{ url: webhook, send_resolved: true }] }],
  };
  await writeFile(stage.path(`${name}.yml`), JSON.stringify(config));
  const process = stage.start(name, [
    "prometheus-alertmanager", `--config.file=${stage.path(`${name}.yml`)}`, `--storage.path=${stage.path(name)}`,
    `--web.listen-address=${at}`, "--cluster.listen-address=", "--log.level=warn",
  ]);
  await stage.eventually(`${name} is ready`, 20_000, async () => (await fetch(`http://${at}/-/ready`)).ok, process);
  return { address: at, process };
}

/** Scrapes and evaluates twice a second. @param options of the mixin, such as shorter waits. */
export async function startPrometheus(stage: Stage, { metrics }: Addresses, options: object, alertmanagers: readonly string[] = []): Promise<Started> {
  const address = `127.0.0.1:${await freePort()}`;
  await writeFile(stage.path("rules.yml"), JSON.stringify(ruleGroups(readOptions(options))));
  const config = {
    global: { scrape_interval: "500ms", scrape_timeout: "500ms", evaluation_interval: "500ms" },
    rule_files: [stage.path("rules.yml")],
    alerting: { alertmanagers: [{ static_configs: [{ targets: alertmanagers }] }] },
    scrape_configs: [{ job_name: "pilotfish", static_configs: [{ targets: [new URL(metrics).host] }] }],
  };
  await writeFile(stage.path("prometheus.yml"), JSON.stringify(config));
  const process = stage.start("prometheus", [
    "prometheus", `--config.file=${stage.path("prometheus.yml")}`, `--storage.tsdb.path=${stage.path("prometheus")}`,
    // It takes some seconds to find its Alertmanagers; what it had to say before is told again after this delay, a minute by default.
    `--web.listen-address=${address}`, "--log.level=warn", "--rules.alert.resend-delay=1s",
  ]);
  await stage.eventually("prometheus is ready", 20_000, async () => (await fetch(`http://${address}/-/ready`)).ok, process);
  return { address, process };
}

/** Names of the alerts of our rules that fire now. */
export async function firingNow(prometheus: string): Promise<string[]> {
  const { data } = (await (await fetch(`http://${prometheus}/api/v1/alerts`)).json()) as { data: { alerts: { state: string; labels: Record<string, string> }[] } };
  return data.alerts.filter(({ state }) => state === "firing").map(({ labels }) => labels["alertname"] ?? "");
}

/** The real Alertmanager, and a receiver for what it sends; on loopback, for a test. */
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { freePort } from "../../agent/cli/demo/free-port.ts";
import { ready } from "./prometheus.ts";
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
  await ready(stage, process, at);
  return { address: at, process };
}

/** What Grafana and Prometheus read at their start: where the data is, where the dashboards lie, whom to scrape. */
import { stringify } from "yaml";
import type { DashboardsOptions } from "./options.ts";

/** Where the container images of Grafana look for dashboards that somebody mounted. */
const dashboardsFolder = "/var/lib/grafana/dashboards";

export const datasourceFile = (): string =>
  stringify({
    apiVersion: 1,
    datasources: [
      {
        name: "Prometheus",
        uid: "prometheus",
        type: "prometheus",
        access: "proxy",
        url: "http://localhost:9090",
        isDefault: true,
        // The scrape interval: `$__rate_interval` is made from it.
        jsonData: { timeInterval: "15s", httpMethod: "POST" },
      },
    ],
  });

export const dashboardProviderFile = (): string =>
  stringify({
    apiVersion: 1,
    providers: [
      {
        name: "pilotfish",
        folder: "Pilotfish",
        type: "file",
        disableDeletion: true,
        allowUiUpdates: false,
        updateIntervalSeconds: 30,
        options: { path: dashboardsFolder, foldersFromFilesStructure: false },
      },
    ],
  });

export const prometheusFile = ({ job }: DashboardsOptions): string =>
  stringify({
    global: { scrape_interval: "15s", evaluation_interval: "15s" },
    rule_files: ["rules.yml"],
    alerting: { alertmanagers: [{ static_configs: [{ targets: ["localhost:9093"] }] }] },
    scrape_configs: [{ job_name: job, static_configs: [{ targets: ["localhost:9464"] }] }],
  });

/**
 * Model servers that nobody here wrote, each in a virtual environment of its own (install.ts), with a scikit-learn model of
 * Fisher's irises: where they are, and how a person would start them.
 */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const servers = ["mlserver", "kserve"] as const;
export type Server = (typeof servers)[number];

/** Other programs in Python that tests ask for their opinion. */
export const tools = ["schemathesis", "pandas"] as const;
export type Tool = (typeof tools)[number];

export const files = import.meta.dirname;
const root = fileURLToPath(new URL("../../../", import.meta.url));

/** PILOTFISH_PYTHON_SERVERS, or a cache beside the other modules. */
export const serversFolder = process.env["PILOTFISH_PYTHON_SERVERS"] ?? join(root, "node_modules/.cache/pilotfish-python-servers");

export function environment(server: Server | Tool): string {
  return join(serversFolder, server);
}

export function isInstalled(server: Server | Tool): boolean {
  return existsSync(join(environment(server), "bin/python"));
}

export const model = "iris";

/** The command that fits the model, of scikit-learn's own data, and writes it to this file. */
export function train(server: Server, file: string): string[] {
  return [join(environment(server), "bin/python"), join(files, "train_iris.py"), file];
}

export interface Ports {
  readonly http: number;
  readonly grpc: number;
  readonly metrics: number;
}

/** Writes what the server wants to find in this folder, where the model's file is too, and gives the command that starts it. */
export async function command(server: Server, folder: string, file: string, ports: Ports): Promise<string[]> {
  const bin = join(environment(server), "bin");
  if (server === "kserve") {
    return [join(bin, "python"), join(files, "kserve_iris.py"), "--model_file", file, "--model_name", model, "--http_port", String(ports.http), "--enable_grpc", "false"];
  }
  await mkdir(join(folder, model), { recursive: true });
  const settings = { host: "127.0.0.1", http_port: ports.http, grpc_port: ports.grpc, metrics_port: ports.metrics, parallel_workers: 0 };
  await writeFile(join(folder, "settings.json"), JSON.stringify(settings));
  const modelSettings = { name: model, implementation: "mlserver_sklearn.SKLearnModel", parameters: { uri: file, version: "v1" } };
  await writeFile(join(folder, model, "model-settings.json"), JSON.stringify(modelSettings));
  return [join(bin, "mlserver"), "start", folder];
}

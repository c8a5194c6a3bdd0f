/**
 * The proxies that are measured side by side, each a process of its own before the same server: ours, a bare one of Node, and
 * nginx, HAProxy and Envoy where they are installed. One thread or worker each, keep-alive on both sides, no access log.
 */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../../agent/cli/demo/free-port.ts";
import { cpuSeconds, listens } from "../measure.ts";

export interface Running {
  readonly port: number;
  /** Processor time spent so far, in seconds; NaN where the system does not tell. nginx's is its worker's. */
  readonly cpuSeconds: () => number;
  readonly close: () => void;
}

export interface Proxy {
  readonly name: string;
  start(serverPort: number): Promise<Running>;
}

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "pilotfish-bench-"));
const children: ChildProcess[] = [];
process.on("exit", () => {
  for (const child of children) end(child);
  rmSync(folder, { recursive: true, force: true });
});

export function installed(command: string): boolean {
  return spawnSync("which", [command]).status === 0;
}

/** What runs: ours in its lanes, the whole daemon, and others' as far as they are here. */
export function proxies(envoy: string | undefined): readonly Proxy[] {
  const found: Proxy[] = [
    { name: "pilotfish, plain lane", start: (server) => ours("gateway", server, ["--lanes", "both"]) },
    { name: "pilotfish, ordinary lane", start: (server) => ours("gateway", server, ["--lanes", "ordinary"]) },
    { name: "pilotfish, whole daemon", start: daemon },
    { name: "bare Node", start: (server) => ours("bare", server, []) },
  ];
  if (installed("haproxy")) found.push({ name: "HAProxy", start: haproxy });
  if (installed("nginx")) found.push({ name: "nginx", start: nginxProxy });
  if (envoy !== undefined) found.push({ name: "Envoy", start: (server) => envoyProxy(envoy, server) });
  return found;
}

/**
 * The server behind all of them, which answers every request with `answer`: nginx where it is, else Node, and Node where bodies
 * are long, since nginx answers so before it has read them, and then no proxy can use the connection again.
 */
export async function server(answer: string, longBodies: boolean): Promise<Running> {
  if (longBodies || !installed("nginx")) return ours("server", 0, ["--answer", answer]);
  return nginx("server", (port) => `server { listen 127.0.0.1:${port} backlog=1024; default_type application/json; location / { return 200 '${answer}'; } }`);
}

function ours(role: string, serverPort: number, more: readonly string[]): Promise<Running> {
  return started(process.execPath, (port) => [file("processes.ts"), "--role", role, "--port", String(port), "--server", String(serverPort), ...more]);
}

function daemon(serverPort: number): Promise<Running> {
  return started(process.execPath, (port) => {
    const settings = ["gateway.host=127.0.0.1", `gateway.port=${port}`, "api.port=0", "metrics.host=127.0.0.1", "metrics.port=0", "log.level=error", `store.path=${join(folder, `${port}.db`)}`];
    return [file("../../agent/main.ts"), "run", "--server", `http://127.0.0.1:${serverPort}`, ...settings.flatMap((setting) => ["--set", setting])];
  });
}

function haproxy(serverPort: number): Promise<Running> {
  return started("haproxy", (port) => {
    const path = join(folder, `haproxy-${port}.cfg`);
    writeFileSync(
      path,
      `global\n  nbthread 1\n  maxconn 4096\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  http-reuse always\n` +
        `frontend in\n  bind 127.0.0.1:${port}\n  default_backend out\nbackend out\n  server one 127.0.0.1:${serverPort}\n`,
    );
    return ["-db", "-q", "-f", path];
  });
}

function nginxProxy(serverPort: number): Promise<Running> {
  return nginx(
    "proxy",
    (port) =>
      `upstream out { server 127.0.0.1:${serverPort}; keepalive 128; keepalive_requests 1000000000; }\n` +
      `server { listen 127.0.0.1:${port} backlog=1024; location / { proxy_pass http://out; proxy_http_version 1.1; proxy_set_header Connection ""; } }`,
  );
}

function nginx(name: string, site: (port: number) => string): Promise<Running> {
  return started("nginx", (port) => {
    const path = join(folder, `nginx-${name}-${port}.conf`);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder};`).join(" ");
    writeFileSync(
      path,
      `daemon off; worker_processes 1; pid ${path}.pid; error_log stderr crit;\nevents { worker_connections 4096; }\n` +
        `http { access_log off; keepalive_requests 1000000000; client_max_body_size 0; client_body_buffer_size 2m; ${temporary}\n${site(port)} }\n`,
    );
    return ["-e", "stderr", "-c", path];
  });
}

function envoyProxy(command: string, serverPort: number): Promise<Running> {
  return started(command, (port) => {
    const address = (at: number) => ({ socket_address: { address: "127.0.0.1", port_value: at } });
    const routes = { virtual_hosts: [{ name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "out" } }] }] };
    const router = { name: "envoy.filters.http.router", typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" } };
    const manager = { "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", stat_prefix: "in", route_config: routes, http_filters: [router] };
    const listener = { name: "in", address: address(port), filter_chains: [{ filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }] }] };
    const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(serverPort) } }] }];
    const cluster = { name: "out", type: "STATIC", connect_timeout: "5s", load_assignment: { cluster_name: "out", endpoints } };
    const path = join(folder, `envoy-${port}.json`);
    writeFileSync(path, JSON.stringify({ static_resources: { listeners: [listener], clusters: [cluster] } }));
    return ["-c", path, "--concurrency", "1", "--log-level", "error", "--base-id", String(port)];
  });
}

/** Runs a command that listens on a port of its own, until somebody answers there. */
async function started(command: string, args: (port: number) => readonly string[]): Promise<Running> {
  const port = await freePort();
  const child = spawn(command, args(port), { stdio: ["ignore", "ignore", "inherit"] });
  const close = () => end(child);
  children.push(child);
  for (let tries = 0; tries < 200; tries += 1) {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}`);
    if (await listens(port)) return { port, close, cpuSeconds: () => cpuSeconds(child.pid as number) };
    await wait(100);
  }
  close();
  throw new Error(`${command} does not listen`);
}

function end(child: ChildProcess): void {
  if (child.exitCode === null) child.kill("SIGTERM");
}

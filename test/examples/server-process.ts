/** The example server as a user runs it: a process of its own with the real models, on a free port. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = new URL("../../", import.meta.url);
export const models = fileURLToPath(new URL("examples/employment/models", root));

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

export interface ServerProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** The log so far. */
  readonly log: readonly LogLine[];
  /** The first line, past or to come, whose message begins so. */
  logged(msg: string): Promise<LogLine>;
  /** Sends the signal and gives back the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Runs the entry without waiting for anything: for a server that is to fail. */
export function runServer(args: readonly string[]) {
  return spawn(process.execPath, [fileURLToPath(new URL("examples/server/server.ts", root)), ...args], { stdio: ["ignore", "pipe", "pipe"] });
}

export async function startServer(...args: readonly string[]): Promise<ServerProcess> {
  const child = runServer(["--models", models, "--port", "0", ...args]);
  const log: LogLine[] = [];
  const waiting = new Set<() => void>();
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  createInterface(child.stdout).on("line", (line) => {
    log.push(JSON.parse(line) as LogLine);
    for (const look of waiting) look();
  });

  const logged = (msg: string) =>
    new Promise<LogLine>((resolve, reject) => {
      const look = () => {
        const found = log.find((line) => line.msg.startsWith(msg));
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      child.once("exit", () => reject(new Error(`the server ended before it logged '${msg}': ${stderr}`)));
      look();
    });
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exit = once(child, "exit") as Promise<[number | null]>;
    child.kill(signal);
    return (await exit)[0];
  };

  const { port } = await logged("listening");
  return {
    url: `http://127.0.0.1:${String(port)}`,
    pid: child.pid as number,
    log,
    logged,
    end,
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
    },
  };
}

/** An inference that the server has begun and can not end: of its body only the first half has been sent. */
export async function halfSent(url: string): Promise<{ finish(): Promise<number | undefined> }> {
  const body = readFileSync(new URL("examples/employment/known-request.json", root));
  const half = request(`${url}/v2/models/employment/infer`, { method: "POST", headers: { "content-length": body.length } });
  const answered = once(half, "response") as Promise<[IncomingMessage]>;
  half.write(body.subarray(0, body.length / 2));
  while (!(await (await fetch(`${url}/metrics`)).text()).includes("server_requests_in_progress 1\n"));
  return {
    async finish() {
      half.end(body.subarray(body.length / 2));
      const [response] = await answered;
      response.resume();
      return response.statusCode;
    },
  };
}

/**
 * Which process is the model server? The one that listens on the port of its URL: /proc/net/tcp names the socket,
 * /proc/<pid>/fd the process that holds it. In a pod this needs `shareProcessNamespace` and the same user (or
 * CAP_SYS_PTRACE); where that is missing, the server's process is unknown.
 *
 * The answer is kept for as long as that very process lives (number and start agree), and looked for again from time to time.
 */
import { readdir, readlink } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import type { Clock } from "../clock.ts";
import { parseStat, type ProcessStat } from "./process.ts";
import { readSmall, type ReadText } from "./small-file.ts";

export type ServerProcess = { readonly found: true; readonly pid: number } | { readonly found: false; readonly detail: string };

export interface ServerProcessOptions {
  readonly proc: string;
  readonly server: URL;
  readonly pid: number | "auto";
}

/** The search walks through the open files of all processes, so it is not made more often than this. */
const searchAgainMs = { found: 60_000, missed: 10_000 };

/** Asks for the server's process; many may ask at once, one search is made. */
export function serverProcess({ proc, server, pid: configured }: ServerProcessOptions, clock: Clock, read: ReadText = readSmall): () => Promise<ServerProcess> {
  let known: { readonly answer: ServerProcess; readonly startTicks: number | undefined; readonly atMs: number } | undefined;
  let searching: Promise<ServerProcess> | undefined;

  const statOf = async (pid: number): Promise<ProcessStat | undefined> => {
    const stat = parseStat((await read(`${proc}/${pid}/stat`)) ?? "");
    return stat?.state === "Z" ? undefined : stat;
  };

  const search = async (): Promise<ServerProcess> => {
    if (known !== undefined) {
      const { answer, startTicks, atMs } = known;
      const lives = answer.found && (await statOf(answer.pid))?.startTicks === startTicks;
      if ((lives || !answer.found) && clock.monotonicMs() - atMs < searchAgainMs[answer.found ? "found" : "missed"]) return answer;
    }
    const answer = configured === "auto" ? await findListener(proc, server) : ({ found: true, pid: configured } as const);
    const startTicks = answer.found ? (await statOf(answer.pid))?.startTicks : undefined;
    known = { answer, startTicks, atMs: clock.monotonicMs() };
    return answer;
  };

  return () => {
    searching ??= search().finally(() => {
      searching = undefined;
    });
    return searching;
  };
}

/** The kernel names those who listen first, so a busy machine's thousands of connections behind them are not read. */
const listenersMaxBytes = 131_072;

async function findListener(proc: string, server: URL): Promise<ServerProcess> {
  const port = Number(server.port || (server.protocol === "https:" ? 443 : 80));
  if (!isHere(server.hostname)) return { found: false, detail: `${server.hostname} is not an address of this machine` };
  const tables = await Promise.all(["tcp", "tcp6"].map((table) => readSmall(`${proc}/net/${table}`, listenersMaxBytes)));
  const sockets = new Set(tables.flatMap((table) => listeners(table ?? "", port)).map((inode) => `socket:[${inode}]`));
  if (sockets.size === 0) return { found: false, detail: `nobody listens on port ${port}` };
  const pid = await holder(proc, sockets);
  return pid === undefined ? { found: false, detail: `the process that listens on port ${port} is not shown to this user or in this process namespace` } : { found: true, pid };
}

/** Socket numbers of those who listen on the port, from the text of /proc/net/tcp or tcp6. */
export function listeners(table: string, port: number): readonly string[] {
  const listening = "0A";
  const local = `[0-9A-F]+:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  // A busy machine's table has megabytes: its lines are looked through where they are, and not taken apart.
  const line = new RegExp(`^ *\\d+: ${local} +\\S+ +${listening}(?: +\\S+){5} +(\\d+)`, "gm");
  return [...table.matchAll(line)].map(([, inode]) => inode as string);
}

const processesMax = 10_000;
const filesMax = 10_000;

/** The process with the lowest number: workers hold the socket that their parent opened, and the parent came first. */
async function holder(proc: string, sockets: ReadonlySet<string>): Promise<number | undefined> {
  const pids = (await readdir(proc).catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number).sort((a, b) => a - b);
  for (const pid of pids.slice(0, processesMax)) {
    const files = (await readdir(`${proc}/${pid}/fd`).catch(() => [])).slice(0, filesMax);
    for (const file of files) {
      if (sockets.has(await readlink(`${proc}/${pid}/fd/${file}`).catch(() => ""))) return pid;
    }
  }
  return undefined;
}

function isHere(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "");
  if (host === "localhost" || host === "::1" || host.startsWith("127.")) return true;
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === host) === true);
}

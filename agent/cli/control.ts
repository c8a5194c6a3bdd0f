/**
 * The control API as a command asks it: over http, https or a unix socket, with a token from a file. What goes wrong is one
 * sentence that says what was tried and what to do next.
 */
import { readFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { resolve } from "node:path";
import { readToken } from "../api/tokens.ts";
import { UsageError } from "./usage.ts";
import { exit, type World } from "./world.ts";

/** Taken by every command that asks a running Pilotfish. */
export const controlOptions = {
  api: { type: "string" },
  "token-file": { type: "string" },
  "ca-file": { type: "string" },
  json: { type: "boolean", default: false },
} as const;

export const controlUsage = "[--api URL] [--token-file FILE] [--json]";
export const controlHelp = `--api URL         the control API: http://127.0.0.1:9081 by default, or PILOTFISH_API; unix:/run/pilotfish.sock for a socket
--token-file FILE holds the bearer token; or PILOTFISH_TOKEN_FILE
--ca-file FILE    certificates to trust instead of the system's, for https
--json            the API's own answer, for programs`;

export interface ControlValues {
  readonly api?: string | undefined;
  readonly "token-file"?: string | undefined;
  readonly "ca-file"?: string | undefined;
}

/** The command can not do its work; the message is whole, and says what to do. */
export class CallError extends Error {
  readonly code: number;

  constructor(message: string, code: number = exit.failed) {
    super(message);
    this.code = code;
  }
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface Control {
  /** As it was given, for messages. */
  readonly at: string;
  /** Any status but 401 and 403. Throws a CallError where there is no answer. */
  ask(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<Reply>;
  /** The answer's JSON. Throws a CallError for anything but success, with what the API says is wrong. */
  get(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<unknown>;
  /** Where a websocket is had, and what it is opened with. */
  socket(path: string): { readonly url: string; readonly options: { readonly headers: Record<string, string>; readonly ca?: string } };
}

const timeoutMs = 10_000;

/** Throws a UsageError where an address or a file can not be used. Opens nothing yet. */
export async function control(values: ControlValues, { env, cwd }: Pick<World, "env" | "cwd">, option: string = "--api"): Promise<Control> {
  const at = values.api ?? env["PILOTFISH_API"] ?? "http://127.0.0.1:9081";
  const place = placeOf(at, option);
  const token = await tokenIn(values["token-file"], env["PILOTFISH_TOKEN_FILE"], cwd);
  const ca = await certificates(values["ca-file"], cwd);
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };

  async function ask(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<Reply> {
    const url = new URL(path, place.origin);
    const shown = place.socket === undefined ? url.href : `${at}${path}`;
    let reply: Reply;
    try {
      reply = await exchange(url, { method, ...(place.socket !== undefined && { socketPath: place.socket }), ...(ca !== undefined && { ca }), headers: { ...headers, ...(body !== undefined && { "content-type": "application/json" }) } }, body);
    } catch (error) {
      throw new CallError(`${shown}: ${whyNot(error)}; is Pilotfish running there? --api names another control API`);
    }
    if (reply.status === 401) throw new CallError(`${shown}: ${token === undefined ? "it asks for a token" : "it does not take this token"}; name the file that holds it with --token-file or PILOTFISH_TOKEN_FILE`);
    if (reply.status === 403) throw new CallError(`${shown}: ${detailOf(reply.text) ?? "it is not allowed"}; a token with another role may do it (--token-file or PILOTFISH_TOKEN_FILE)`);
    return reply;
  }

  return {
    at,
    ask,
    async get(method, path, body) {
      const { status, text } = await ask(method, path, body);
      if (status >= 300) throw new CallError(detailOf(text) ?? `${at}${path}: it answered ${status}; is that the control API of a Pilotfish?`, status === 400 ? exit.bad : exit.failed);
      const json = jsonOf(text);
      if (json === undefined) throw new CallError(`${at}${path}: no JSON came; is that the control API of a Pilotfish?`);
      return json;
    },
    socket: (path) => ({ url: place.socket === undefined ? new URL(path, place.origin.replace(/^http/, "ws")).href : `ws+unix://${place.socket}:${path}`, options: { headers, ...(ca !== undefined && { ca }) } }),
  };
}

/** Over a connection of its own. */
function exchange(url: URL, options: RequestOptions, body: unknown): Promise<Reply> {
  return new Promise((settle, reject) => {
    const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, { ...options, agent: false, signal: AbortSignal.timeout(timeoutMs) }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on("data", (piece: Buffer) => pieces.push(piece));
      answer.on("error", reject);
      answer.on("end", () => settle({ status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(pieces).toString("utf8") }));
    });
    request.on("error", reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function placeOf(at: string, option: string): { readonly origin: string; readonly socket: string | undefined } {
  const socket = /^unix:(?:\/\/)?(\/.+)$/.exec(at)?.[1];
  if (socket !== undefined) return { origin: "http://localhost", socket };
  const url = URL.parse(at);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new UsageError(`${option}: expected the URL of a control API, such as http://127.0.0.1:9081 or unix:/run/pilotfish.sock, got "${at}"`);
  return { origin: url.origin, socket: undefined };
}

async function tokenIn(given: string | undefined, known: string | undefined, cwd: string): Promise<string | undefined> {
  const file = given ?? known;
  try {
    return await readToken(given === undefined ? "PILOTFISH_TOKEN_FILE" : "--token-file", file === undefined ? undefined : resolve(cwd, file));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function certificates(file: string | undefined, cwd: string): Promise<string | undefined> {
  try {
    return file === undefined ? undefined : await readFile(resolve(cwd, file), "utf8");
  } catch (error) {
    throw new UsageError(`--ca-file: ${(error as Error).message}`);
  }
}

/** In the words that other commands and the log use. */
function whyNot(error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  const detail = message === "" ? code : message;
  if (code === "ECONNREFUSED" || code === "ENOENT") return `refused (${detail})`;
  if (code === "ECONNRESET" || code === "EPIPE") return `reset (${detail})`;
  return code === "ETIMEDOUT" || (error as Error).name === "AbortError" ? `timeout (no answer within ${timeoutMs / 1_000} s)` : detail;
}

/** What a problem document says, with each mistake. */
function detailOf(text: string): string | undefined {
  const problem = jsonOf(text) as { readonly detail?: unknown; readonly errors?: unknown } | undefined;
  if (typeof problem?.detail !== "string") return undefined;
  const errors = Array.isArray(problem.errors) ? (problem.errors as readonly { readonly pointer?: string; readonly detail?: string }[]) : [];
  const mistakes = errors.map(({ pointer = "", detail = "" }) => `${pointer.replace(/^#\/?/, "")}: ${detail}`).filter((mistake) => !mistake.endsWith(`: ${String(problem.detail)}`));
  return [problem.detail, ...mistakes].join("; ");
}

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

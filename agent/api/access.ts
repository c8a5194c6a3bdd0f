/**
 * Who may ask: by token, and, since a browser on this machine can be made to ask for a stranger, by Host and Origin.
 *
 * DNS rebinding: a page's own host name is pointed at 127.0.0.1, and to the browser our answers are then of the page's origin.
 * So a listener on loopback answers only to loopback's names. Off loopback a token is needed, which no page knows.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingHttpHeaders } from "node:http";

export interface Access {
  /** undefined: nobody is asked for one. */
  readonly token: string | undefined;
  /** Is the listener on loopback? */
  readonly loopback: boolean;
}

export interface Refusal {
  readonly status: 401 | 403;
  readonly detail: string;
}

/** undefined: welcome. `open`: the route needs no token. */
export function refusalOf(headers: IncomingHttpHeaders, access: Access, open: boolean): Refusal | undefined {
  const { host, origin, authorization } = headers;
  if (access.loopback && host !== undefined && !isLoopback(hostnameOf(`http://${host}`))) {
    return { status: 403, detail: "the Host is not a name of this machine's loopback" };
  }
  if (origin !== undefined && !isSameOrLoopback(origin, host)) {
    return { status: 403, detail: "the Origin is neither loopback nor this host" };
  }
  if (!open && access.token !== undefined && !bears(authorization, access.token)) {
    return { status: 401, detail: "expected Authorization: Bearer and the token" };
  }
  return undefined;
}

/** A name or address of loopback, without port; IPv6 with or without brackets. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

function isSameOrLoopback(origin: string, host: string | undefined): boolean {
  if (isLoopback(hostnameOf(origin))) return true;
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host;
}

function hostnameOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : "";
}

/** Digests are compared, so that neither the time nor the length of the token shows. */
function bears(authorization: string | undefined, token: string): boolean {
  const given = /^Bearer +([^ ]+) *$/i.exec(authorization ?? "")?.[1];
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** The token in a file, without white space around it; undefined where there is no file. Throws, naming the option. */
export async function readToken(option: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new Error(`${option}: ${(error as Error).message}`, { cause: error });
  }
  if (text.trim() === "") throw new Error(`${option}: ${path} is empty; write the token into it`);
  return text.trim();
}

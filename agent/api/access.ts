/**
 * What is refused whoever asks, since a browser on this machine can be made to ask for a stranger, and since what stands in a URL
 * ends in logs.
 *
 * DNS rebinding: a page's own host name is pointed at 127.0.0.1, and to the browser our answers are then of the page's origin.
 * So a listener on loopback answers only to loopback's names. Off loopback a token is needed, which no page knows. There are no
 * cookies, so nothing that a page sends without knowing a token could count for somebody; what changes something is refused from
 * another site all the same (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/).
 */
import type { IncomingMessage } from "node:http";

export interface Refusal {
  readonly status: 400 | 401 | 403;
  readonly detail: string;
}

/** @param loopback is the listener on loopback? */
export function strangerRefusal({ headers, method = "GET" }: IncomingMessage, loopback: boolean): Refusal | undefined {
  const { host, origin } = headers;
  if (loopback && host !== undefined && !isLoopback(hostnameOf(`http://${host}`))) {
    return { status: 403, detail: "the Host is not a name of this machine's loopback" };
  }
  if (origin !== undefined && !isSameOrLoopback(origin, host)) {
    return { status: 403, detail: "the Origin is neither loopback nor this host" };
  }
  if (headers["sec-fetch-site"] === "cross-site" && method !== "GET" && method !== "HEAD") {
    return { status: 403, detail: "a page of another site may change nothing here" };
  }
  return undefined;
}

const secretNames = /^(?:access_?token|api_?key|auth|authorization|bearer|id_?token|password|secret|token)$/i;

/** Does the URL carry what should stand in a header? */
export function hasTokenInUrl(url: string | undefined): boolean {
  const query = (url ?? "").split("?").slice(1).join("?");
  return [...new URLSearchParams(query).keys()].some((name) => secretNames.test(name));
}

export const tokenInUrl = "a token in the URL ends in logs and histories and is refused; send it as Authorization: Bearer, and take this one out of use";

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

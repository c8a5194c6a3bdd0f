/**
 * Reads a request's body up to a limit and parses it. The outcomes that are not a body are values, because each of them
 * has its own answer: too large 413, malformed 400, and nothing at all for a client that went away.
 */
import type { IncomingMessage } from "node:http";

export type Body = { readonly json: unknown } | { readonly problem: "too-large" | "malformed" | "gone" };

/** The parsed JSON body; an empty one is `{}`. Holds at most `bytesMax` bytes. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Body> {
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) return { problem: "too-large" };
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // The request stays whole when we stop reading: Node lets the rest of it go once the answer is out.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > bytesMax) return { problem: "too-large" };
      chunks.push(chunk);
    }
  } catch {
    return { problem: "gone" };
  }
  if (bytes === 0) return { json: {} };
  try {
    return { json: JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown };
  } catch {
    return { problem: "malformed" };
  }
}

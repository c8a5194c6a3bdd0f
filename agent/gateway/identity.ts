/**
 * Which inference this is, and whether it is sampled: both by the id alone, so that a client, a log and a second Pilotfish
 * come to the same decision.
 */
import { randomFillSync, randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** At most 128 visible ASCII characters: fit for a header, a log line and a key. */
const sane = /^[\x21-\x7e]{1,128}$/;

/** The client's own id, else its request id, else a new random one (UUID version 4). */
export function inferenceIdOf(headers: IncomingHttpHeaders): string {
  for (const given of [headers["pilotfish-inference-id"], headers["x-request-id"]]) {
    if (typeof given === "string" && sane.test(given)) return given;
  }
  return randomUUID();
}

/** Where an id stands among all, from 0 to 1: those below a ratio are that share of them, always the same ones. */
export function placeOf(inferenceId: string): number {
  return hash32(inferenceId) / 2 ** 32;
}

/** True for a share `ratio` (0 to 1) of all ids; a higher ratio takes in all of a lower one's. */
export function isSampled(inferenceId: string, ratio: number): boolean {
  return placeOf(inferenceId) < ratio;
}

/**
 * 32 bits from a text of characters below 256: FNV-1a (Fowler, Noll, Vo), then MurmurHash3's finalizer (A. Appleby), since
 * FNV alone leaves the high bits of short, similar texts much alike.
 */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Random bytes are had in blocks: the 24 of a trace alone cost 7 microseconds, more than a fifth of what a request costs altogether. */
const block = Buffer.alloc(24 * 512);
let taken = block.length;

/** A W3C trace context of its own for a sampled request that came without one: 32 and 16 hexadecimal digits. */
export function newTrace(): { readonly traceId: string; readonly spanId: string } {
  return { traceId: randomHex(16), spanId: newSpanId() };
}

/** 16 hexadecimal digits. */
export function newSpanId(): string {
  return randomHex(8);
}

function randomHex(bytes: number): string {
  if (taken + bytes > block.length) {
    randomFillSync(block);
    taken = 0;
  }
  taken += bytes;
  return block.toString("hex", taken - bytes, taken);
}

/**
 * Reads files of /proc and cgroups, which say that they are empty and are made while they are read. Bounded, because a
 * process may have many connections and a configured path may be anything.
 */
import { open } from "node:fs/promises";

/** Most files are smaller, and a buffer of what may be at most would be megabytes for /proc/net/tcp. */
const bytesFirst = 16_384;

/** The bytes, cut at `bytesMax`; undefined where the file can not be read, for whatever reason. */
export async function readBytes(path: string, bytesMax: number): Promise<Buffer | undefined> {
  try {
    await using file = await open(path, "r");
    let buffer = Buffer.allocUnsafe(Math.min(bytesFirst, bytesMax));
    let length = 0;
    while (length < bytesMax) {
      if (length === buffer.length) buffer = Buffer.concat([buffer], Math.min(2 * length, bytesMax));
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } catch {
    return undefined;
  }
}

export async function readSmall(path: string, bytesMax: number = 16_384): Promise<string | undefined> {
  return (await readBytes(path, bytesMax))?.toString("utf8");
}

/** A file that holds one whole number; undefined where there is no such file, or a word in it (such as `max`). */
export async function readNumber(path: string): Promise<number | undefined> {
  const text = (await readSmall(path, 64))?.trim();
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

/** The lines of the form `key 123`. */
export function keyedNumbers(text: string | undefined): ReadonlyMap<string, number> {
  return new Map([...(text ?? "").matchAll(/^(\S+) (\d+)$/gm)].map(([, key, value]) => [key as string, Number(value)]));
}

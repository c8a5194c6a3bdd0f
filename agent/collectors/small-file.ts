/**
 * Reads files of /proc and cgroups, which say that they are empty and are made while they are read. Bounded, because a
 * process may have many connections and a configured path may be anything.
 */
import { open, type FileHandle } from "node:fs/promises";

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

/** The text of a small file; undefined where it can not be read, for whatever reason. */
export type ReadText = (path: string) => Promise<string | undefined>;

const keptMax = 256;
const bytesMax = 65_536;
/** The kernel hands out what it makes a page at a time, so less than half of one is all there is. */
const wholeBelow = 2_048;

/**
 * Files that are read again and again, kept open: a reading is then one call instead of four, and each costs a thread's
 * wake-up. The kernel makes such a file anew when it is read from its start; one whose process or cgroup is gone says so, and
 * is opened again. Never synchronous, though that would be cheaper still: a container's /proc may be a FUSE that hangs.
 */
export class KeptFiles {
  readonly #handles = new Map<string, FileHandle>();
  #closed = false;

  readonly read: ReadText = async (path) => {
    const kept = this.#handles.get(path);
    if (kept !== undefined) {
      const text = await readFrom(kept);
      if (text !== undefined) return text;
      await this.#drop(path);
    }
    const handle = await open(path, "r").catch(() => undefined);
    const text = handle === undefined ? undefined : await readFrom(handle);
    if (text === undefined || this.#closed || this.#handles.has(path) || this.#handles.size >= keptMax) await handle?.close().catch(() => {});
    else this.#handles.set(path, handle as FileHandle);
    return text;
  };

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#handles.keys()].map((path) => this.#drop(path)));
  }

  async #drop(path: string): Promise<void> {
    const handle = this.#handles.get(path);
    this.#handles.delete(path);
    await handle?.close().catch(() => {});
  }
}

async function readFrom(handle: FileHandle): Promise<string | undefined> {
  try {
    let buffer = Buffer.allocUnsafe(4_096);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length < wholeBelow || length >= bytesMax) return buffer.toString("utf8", 0, length);
      if (length === buffer.length) buffer = Buffer.concat([buffer], 2 * buffer.length);
    }
  } catch {
    return undefined;
  }
}

/** A file that holds one whole number; undefined where there is no such file, or a word in it (such as `max`). */
export async function readNumber(path: string, read: ReadText = readSmall): Promise<number | undefined> {
  const text = (await read(path))?.trim();
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

/** The lines of the form `key 123`. */
export function keyedNumbers(text: string | undefined): ReadonlyMap<string, number> {
  return new Map([...(text ?? "").matchAll(/^(\S+) (\d+)$/gm)].map(([, key, value]) => [key as string, Number(value)]));
}

/**
 * Recordings as files: `recordings/ID.json` beside the state file, the latest few. Written by the thread pool in pieces and
 * put in place by a rename, so that a reader never sees half of one. What can not be written is logged and let go.
 */
import { mkdir, open, readdir, readFile, rename, unlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { isRecordingId } from "../../exporters/recording.ts";
import type { Log } from "../log.ts";

export interface Recordings {
  /** False where it could not be written. One of the same id is replaced. */
  write(id: string, pieces: Iterable<string>): Promise<boolean>;
  /** Ids, latest first. Empty where the folder can not be read. */
  list(): Promise<readonly string[]>;
  /** The document's text; undefined where there is none of that id. */
  read(id: string): Promise<string | undefined>;
}

/** @param storePath the state file; undefined: nothing is kept. */
export function recordingFiles(storePath: string | undefined, filesMax: number, log: Log): Recordings {
  if (storePath === undefined) return { write: async () => false, list: async () => [], read: async () => undefined };
  const folder = join(dirname(resolve(storePath)), "recordings");

  async function list(): Promise<readonly string[]> {
    const names = await readdir(folder).catch(() => []);
    return names.flatMap((name) => (name.endsWith(".json") && isRecordingId(name.slice(0, -5)) ? [name.slice(0, -5)] : [])).toSorted().toReversed();
  }

  async function writeAll(id: string, pieces: Iterable<string>): Promise<void> {
    await mkdir(folder, { recursive: true });
    const part = join(folder, `${id}.part`);
    const file = await open(part, "w", 0o640);
    try {
      for (const piece of pieces) {
        await file.write(piece);
        await setImmediate();
      }
    } finally {
      await file.close();
    }
    await rename(part, join(folder, `${id}.json`));
    for (const old of (await list()).slice(filesMax)) await unlink(join(folder, `${old}.json`));
  }

  return {
    async write(id, pieces) {
      try {
        await writeAll(id, pieces);
        return true;
      } catch (error) {
        log.warn({ id, error }, "a recording could not be written");
        await unlink(join(folder, `${id}.part`)).catch(() => {});
        return false;
      }
    },
    list,
    async read(id) {
      return isRecordingId(id) ? readFile(join(folder, `${id}.json`), "utf8").catch(() => undefined) : undefined;
    },
  };
}

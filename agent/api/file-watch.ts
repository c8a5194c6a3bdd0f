/**
 * Small files that somebody else replaces: tokens and certificates, which Kubernetes swaps by a symbolic link. They are read
 * anew every few seconds and compared, since notices of changes get lost over such links and over network file systems.
 */
import { readFile, stat } from "node:fs/promises";
import type { Cancel, Clock } from "../clock.ts";

const periodMs = 5_000;
const sizeMax = 1_048_576;

/** The text; rejects, naming the option, where it can not be read, is empty or is longer than 1 MiB. */
export async function readSmall(option: string, path: string): Promise<string> {
  try {
    if ((await stat(path)).size > sizeMax) throw new Error(`${path} is larger than 1 MiB`);
    const text = await readFile(path, "utf8");
    if (text.trim() !== "") return text;
  } catch (error) {
    throw new Error(`${option}: ${(error as Error).message}`, { cause: error });
  }
  throw new Error(`${option}: ${path} is empty`);
}

/**
 * Calls `look` every five seconds, never twice at once.
 *
 * @param look settles when the files were read; its rejection is `failed`'s.
 */
export function watch(clock: Clock, look: () => Promise<void>, failed: (error: unknown) => void): Cancel {
  let looking = false;
  return clock.every(periodMs, () => {
    if (looking) return;
    looking = true;
    void look()
      .catch(failed)
      .finally(() => (looking = false));
  });
}

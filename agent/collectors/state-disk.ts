/** How much may still be written to the disk of the state folder. A network's file system may hang here: it keeps one of Node's threads for files, and is asked no second time. */
import { statfs } from "node:fs/promises";
import { instruments } from "../../exporters/instruments.ts";
import { unknown, type Reading } from "./collector.ts";

export async function readStateDisk(folder: string): Promise<Reading> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    const points = [
      { instrument: instruments.stateDiskFree, labels: {}, value: bavail * bsize },
      { instrument: instruments.stateDiskSize, labels: {}, value: blocks * bsize },
    ];
    return { status: "ok", detail: folder, points };
  } catch (error) {
    return unknown(`${folder}: ${error instanceof Error && "code" in error ? String(error.code) : String(error)}`);
  }
}

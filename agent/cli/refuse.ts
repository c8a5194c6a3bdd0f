/** Runs what reads a person's data: what is wrong with these is said, each mistake on a line, and ends with 2. */
import { resolve } from "node:path";
import { readBytes, sizeOf } from "../offline/bytes.ts";
import { InputError } from "../offline/input-error.ts";
import { exit, type World } from "./world.ts";

export async function refusing(command: string, world: Pick<World, "err">, run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    for (const problem of error.problems) world.err(`pilotfish ${command}: ${problem}\n`);
    return exit.bad;
  }
}

/** The bytes of a file, or of standard input where it is `-` or none is named; and a name for messages. */
export async function inputOf(file: string | undefined, world: Pick<World, "cwd" | "input">): Promise<{ readonly name: string; readonly bytes: AsyncIterable<Uint8Array> }> {
  if (file === undefined || file === "-") return { name: "standard input", bytes: world.input() };
  const found = { name: file, path: resolve(world.cwd, file) };
  await sizeOf(found);
  return { name: file, bytes: readBytes(found) };
}

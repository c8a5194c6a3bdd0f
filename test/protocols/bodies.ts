/** Recorded bodies, and what was read of them in a form that is easy to compare. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Decoded, Value } from "../../agent/protocols/protocol.ts";

const folder = join(import.meta.dirname, "fixtures");

/** The file of that name; JSON where it has no other extension. */
export function fixture(name: string): Buffer {
  return readFileSync(join(folder, name.endsWith(".txt") ? name : `${name}.json`));
}

/** Every recorded body, by its file's name. */
export function allFixtures(): readonly (readonly [name: string, body: Buffer])[] {
  return readdirSync(folder)
    .filter((name) => name !== "NOTICE")
    .map((name) => [name, readFileSync(join(folder, name))]);
}

export function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Throws where it could not be read. */
export function columnsOf(decoded: Decoded): Record<string, readonly Value[]> {
  if (!decoded.ok) throw new Error(decoded.reason);
  return Object.fromEntries(decoded.columns.map(({ name, values }) => [name, values]));
}

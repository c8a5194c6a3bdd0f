/**
 * The other libraries, in a Python process of their own that answers one question at a time, so that their rounds and ours
 * take turns on the same machine.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface Question {
  readonly kind: "river" | "frouros" | "half-space-trees" | "scipy" | "evidently";
  readonly name: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Streams by name, and how much of each. */
  readonly streams: readonly (readonly [name: string, length: number])[];
}

export type Answer = { readonly ns: number; readonly answer: readonly number[] | null } | { readonly error: string };

export interface Competitors {
  /** By package; null where it is not installed. */
  readonly versions: Readonly<Record<string, string | null>>;
  ask(question: Question): Promise<Answer>;
  close(): void;
}

/** @param python an interpreter, such as `venv/bin/python`. Rejects where it can not be started. */
export async function competitors(python: string, streams: Readonly<Record<string, Float64Array>>): Promise<Competitors> {
  const folder = mkdtempSync(join(tmpdir(), "pilotfish-bench-"));
  for (const [name, values] of Object.entries(streams)) writeFileSync(join(folder, `${name}.f64`), values);
  const child = spawn(python, [join(import.meta.dirname, "competitors.py"), folder], { stdio: ["pipe", "pipe", "inherit"] });
  const failed = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${python} ended with ${code}`)));
  });
  failed.catch(() => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const { value } = await Promise.race([lines.next(), failed]);
    return JSON.parse(value as string) as unknown;
  };
  return {
    versions: (await next()) as Record<string, string | null>,
    async ask(question) {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      return (await next()) as Answer;
    },
    close() {
      child.stdin.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

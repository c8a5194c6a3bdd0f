/** Files for a test, in a folder of their own that goes when the test file is done. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

export interface Folder {
  readonly path: string;
  /** Writes a file and gives back its name. */
  readonly put: (name: string, content: string | Uint8Array) => string;
}

export function makeFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), "pilotfish-offline-"));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    put(name, content) {
      writeFileSync(join(path, name), content);
      return name;
    },
  };
}

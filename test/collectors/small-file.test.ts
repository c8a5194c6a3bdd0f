import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readBytes } from "../../agent/collectors/small-file.ts";

test("a bound of megabytes takes no megabytes: memory follows what is in the file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pilotfish-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "table");
  for (const length of [0, 10, 16_384, 16_385, 50_000, 100_000]) {
    const bytes = Buffer.alloc(length, "0123456789");
    writeFileSync(file, bytes);
    const read = await readBytes(file, 4_194_304);
    expect(read?.equals(bytes)).toBe(true);
    // A small Buffer lies in a pool, which is counted whole.
    expect(read?.buffer.byteLength).toBeLessThanOrEqual(Math.max(131_072, 2 * length));
    expect((await readBytes(file, 20_000))?.equals(bytes.subarray(0, 20_000))).toBe(true);
  }
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { KeptFiles, readBytes, readSmall } from "../../agent/collectors/small-file.ts";
import { Tree } from "./tree.ts";

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

const openFiles = async () => (await import("node:fs/promises")).readdir("/proc/self/fd").then((names) => names.length);

test("a file that is kept open is read anew each time", async () => {
  using tree = new Tree({ figure: "1\n" });
  const files = new KeptFiles();
  expect(await files.read(tree.path("figure"))).toBe("1\n");
  writeFileSync(tree.path("figure"), "22\n");
  expect(await files.read(tree.path("figure"))).toBe("22\n");
  await files.close();
});

test("a long file comes whole, one that is not there is undefined", async () => {
  const text = "0123456789\n".repeat(3_000);
  using tree = new Tree({ long: text });
  const files = new KeptFiles();
  expect(await files.read(tree.path("long"))).toBe(text);
  expect(await files.read(tree.path("none"))).toBeUndefined();
  await files.close();
});

test.skipIf(process.platform !== "linux")("what the kernel makes is what a reader that opens it anew gets", async () => {
  const files = new KeptFiles();
  for (const path of ["/proc/version", "/proc/cpuinfo", "/proc/filesystems"]) {
    await files.read(path);
    const [kept, anew] = [await files.read(path), await readSmall(path, 65_536)];
    expect(kept?.replaceAll(/MHz.*/g, "")).toBe(anew?.replaceAll(/MHz.*/g, ""));
  }
  await files.close();
});

test.skipIf(process.platform !== "linux")("a process that is gone is undefined, and nothing is left open", async () => {
  using tree = new Tree();
  const files = new KeptFiles();
  const before = await openFiles();
  for (let index = 0; index < 300; index += 1) {
    tree.write(`file-${index}`, "x");
    expect(await files.read(tree.path(`file-${index}`))).toBe("x");
  }
  expect(await openFiles()).toBeLessThanOrEqual(before + 256 + 2);
  expect(await files.read("/proc/999999999/stat")).toBeUndefined();
  rmSync(tree.path("file-0"));
  await files.close();
  expect(await openFiles()).toBeLessThanOrEqual(before + 2);
  // A reading that was on its way when it was closed keeps nothing open either.
  expect(await files.read(tree.path("file-1"))).toBe("x");
  expect(await openFiles()).toBeLessThanOrEqual(before + 2);
});

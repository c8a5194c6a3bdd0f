import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { silent } from "../../agent/log.ts";
import { recordingFiles } from "../../agent/store/recordings.ts";

const id = (second: number) => `20260101T0000${String(second).padStart(2, "0")}Z-PilotfishFailover`;

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "recordings-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

test("the latest few are kept, told latest first, and read back whole", async () => {
  const path = folder();
  const files = recordingFiles(join(path, "state.db"), 3, silent);
  for (let i = 0; i < 5; i += 1) expect(await files.write(id(i), ["{", `"i":${i}`, "}"])).toBe(true);
  expect(await files.list()).toEqual([id(4), id(3), id(2)]);
  expect(await files.read(id(3))).toBe('{"i":3}');
  expect(readdirSync(join(path, "recordings"))).toHaveLength(3);
});

test("one of the same id is replaced", async () => {
  const files = recordingFiles(join(folder(), "state.db"), 3, silent);
  await files.write(id(1), ["short"]);
  await files.write(id(1), ["the whole of it"]);
  expect([await files.list(), await files.read(id(1))]).toEqual([[id(1)], "the whole of it"]);
});

test("nothing but a recording can be read, whatever is asked for", async () => {
  const path = folder();
  writeFileSync(join(path, "state.db"), "secret");
  const files = recordingFiles(join(path, "state.db"), 3, silent);
  await files.write(id(1), ["{}"]);
  writeFileSync(join(path, "recordings", "other.json"), "secret");
  for (const asked of ["../state.db", "other", `${id(1)}/../../state.db`, "..", "", id(9)]) expect(await files.read(asked)).toBeUndefined();
  expect(await files.list()).toEqual([id(1)]);
});

test("a folder that can not be written is said, and nothing is thrown; without a state file nothing is kept", async () => {
  const path = folder();
  writeFileSync(join(path, "recordings"), "a file where the folder would be");
  let said = 0;
  const files = recordingFiles(join(path, "state.db"), 3, { ...silent, warn: () => void (said += 1) });
  expect([await files.write(id(1), ["{}"]), await files.list(), said]).toEqual([false, [], 1]);
  const none = recordingFiles(undefined, 3, silent);
  expect([await none.write(id(1), ["{}"]), await none.list(), await none.read(id(1))]).toEqual([false, [], undefined]);
});

import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readReference, referenceDigest, writeReference } from "../../agent/monitors/reference-file.ts";
import type { Reference } from "../../detectors/reference/reference.ts";
import { people, referenceOf } from "./traffic.ts";

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "pilotfish-reference-"))));
afterAll(() => rmSync(folder, { recursive: true }));

const reference: Reference = referenceOf(people(1, 1_000));
const at = (name: string) => join(folder, name);

async function messageFor(name: string, content?: string | Uint8Array): Promise<string> {
  if (content !== undefined) writeFileSync(at(name), content);
  const read = await readReference(at(name), "people");
  return read.ok ? "ok" : `${read.reason}: ${read.message.replaceAll(folder, "DIR")}`;
}

test("what is written is read back, plain or gzipped, with the same digest, and nothing is left beside it", async () => {
  await writeReference(at("a.json"), reference);
  await writeReference(at("a.json.gz"), reference);
  const plain = await readReference(at("a.json"), "people");
  const packed = await readReference(at("a.json.gz"));
  expect(plain).toMatchObject({ ok: true, reference });
  expect(packed).toEqual(plain);
  expect(readdirSync(folder).filter((name) => name.includes("part"))).toEqual([]);
});

test("the digest is of the content, not of how it is written down", () => {
  const turned = Object.fromEntries(Object.entries(reference).reverse()) as unknown as Reference;
  expect(referenceDigest(turned)).toBe(referenceDigest(reference));
  expect(referenceDigest({ ...reference, model: "others" })).not.toBe(referenceDigest(reference));
  const [first, ...rest] = reference.features;
  for (const other of [{ thinning: 7 }, { season: "hour-of-day" as const }, { columns: { actual: "y" } }, { features: [{ ...first!, distinct: 1e6 }, ...rest] }]) {
    expect(referenceDigest({ ...reference, ...other })).not.toBe(referenceDigest(reference));
  }
  expect(referenceDigest({ ...reference, season: undefined })).toBe(referenceDigest(reference));
});

test("every way a reference can be wrong names the file and says what to do", async () => {
  expect(await messageFor("none.json")).toBe('missing: there is no reference DIR/none.json; correct the path, or leave model.reference out to learn one from traffic');
  expect(await messageFor("cut.json", JSON.stringify(reference).slice(0, 200))).toMatch(/^no-json: the reference DIR\/cut\.json is no JSON \(.+\); make it again/);
  expect(await messageFor("other.json", '{"format":"something/1"}')).toMatch(/^no-reference: the reference DIR\/other\.json can not be used: .*format.*; make it again/);
  expect(await messageFor("plain.json.gz", "{}")).toMatch(/^unreadable: the reference DIR\/plain\.json\.gz is no gzip file/);
  expect(await messageFor("cats.json", JSON.stringify({ ...reference, model: "cats" }))).toBe(
    'other-model: the reference DIR/cats.json was made for the model "cats", not for "people"; give the reference of "people", or correct model.name',
  );
  expect(await messageFor(".")).toMatch(/^unreadable: the reference .* can not be read/);
});

test("a file over 64 MiB is not read, nor one that would be so unpacked", async () => {
  writeFileSync(at("large.json"), "");
  truncateSync(at("large.json"), 64 * 1_048_576 + 1);
  expect(await messageFor("large.json")).toMatch(/^too-large/);
  expect(await messageFor("bomb.json.gz", gzipSync(Buffer.alloc(64 * 1_048_576 + 1)))).toMatch(/^too-large/);
});

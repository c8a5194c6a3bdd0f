/** References as people put them up and take them back: what is kept, what is in force, and what of it outlives a restart. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { referencesOptions } from "../agent/api/references.ts";
import { silent } from "../agent/log.ts";
import { readReference } from "../agent/monitors/reference-file.ts";
import { openShelf, type ShelfUse } from "../agent/reference-shelf.ts";
import { FakeClock } from "./fake-clock.ts";
import { people, referenceOf } from "./monitors/traffic.ts";

let folder: string;
let inForce: string | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pilotfish-shelf-"));
  inForce = "as configured";
});
afterEach(() => rmSync(folder, { recursive: true }));

const use: ShelfUse = {
  async read(path, model) {
    const read = await readReference(path, model);
    return read.ok ? { ok: true, digest: read.digest, model: read.reference.model, rows: read.reference.rows, features: read.reference.features.length } : { ok: false, message: read.message };
  },
  async use(path) {
    inForce = path;
    return { ok: true };
  },
};

async function open(options: Readonly<Record<string, unknown>> = {}, over: Partial<ShelfUse> = {}, storePath: string | undefined = join(folder, "state.db")) {
  const shelf = await openShelf(referencesOptions.parse(options), { clock: new FakeClock(), log: silent, model: { reference: "/configured.json", name: "people" }, storePath });
  return { path: () => shelf.path(), ...shelf.serve({ ...use, ...over }) };
}

const bytesOf = (seed: number, model = "people") => Buffer.from(JSON.stringify(referenceOf(people(seed, 200), model)));

async function uploaded(shelf: Awaited<ReturnType<typeof open>>, bytes: Uint8Array): Promise<string> {
  const outcome = await shelf.upload(bytes);
  if (!("reference" in outcome) || outcome.reference === undefined) throw new Error(JSON.stringify(outcome));
  return outcome.reference.digest;
}

test("uploaded, put in force, rolled back one by one to what the config names; a restart finds what was so", async () => {
  const shelf = await open();
  const [first, second] = [await uploaded(shelf, bytesOf(1)), await uploaded(shelf, gzipSync(bytesOf(2)))];
  expect(shelf.path()).toBe("/configured.json");
  await shelf.activate(first);
  await shelf.activate(second);
  expect(inForce).toBe(join(folder, "references", `${second}.json.gz`));
  expect((await readReference(inForce as string, "people")).ok).toBe(true);

  const again = await open();
  expect(again.path()).toBe(inForce);
  expect(again.list()).toMatchObject({ active: second, configured: "/configured.json", references: [{ digest: first, active: false, rows: 200 }, { digest: second, active: true }] });
  expect(await again.rollBack()).toMatchObject({ result: "done", reference: { digest: first } });
  expect(inForce).toBe(join(folder, "references", `${first}.json`));
  await again.rollBack();
  expect([inForce, again.list().active]).toEqual(["/configured.json", null]);
  expect(await again.rollBack()).toMatchObject({ result: "refused" });
});

test("the same one is kept once, however it is packed; one of another model, or none at all, is not, and nothing is left of it", async () => {
  const shelf = await open();
  const digest = await uploaded(shelf, bytesOf(1));
  expect(await shelf.upload(gzipSync(bytesOf(1)))).toMatchObject({ result: "there", reference: { digest } });
  for (const [bytes, says] of [[bytesOf(1, "cats"), 'for the model "cats"'], [Buffer.from("{"), "is no JSON"], [Buffer.from("{}"), "can not be used"], [Buffer.from([0x1f, 0x8b, 1]), "is no gzip file"]] as const) {
    const outcome = await shelf.upload(bytes);
    expect(outcome).toMatchObject({ result: "invalid", message: expect.stringContaining(says) });
    expect(JSON.stringify(outcome)).not.toContain(folder);
  }
  expect(readdirSync(join(folder, "references")).sort()).toEqual([`${digest}.json`, "shelf.json"].sort());
});

test("bounds: so many are kept; the one in force can not be removed, others can", async () => {
  const shelf = await open({ max: 2 });
  const [first, second] = [await uploaded(shelf, bytesOf(1)), await uploaded(shelf, bytesOf(2))];
  expect(await shelf.upload(bytesOf(3))).toMatchObject({ result: "refused", message: expect.stringContaining("2 references are kept already") });
  await shelf.activate(first);
  expect(await shelf.remove(first)).toMatchObject({ result: "refused" });
  expect(await shelf.remove(second)).toMatchObject({ result: "done" });
  expect(await shelf.remove(second)).toMatchObject({ result: "missing" });
  expect(existsSync(join(folder, "references", `${second}.json`))).toBe(false);
  expect(await shelf.activate(second)).toMatchObject({ result: "missing" });
});

test("where the analysis does not answer or refuses, what was in force stays so", async () => {
  const shelf = await open({}, { use: async () => undefined });
  const digest = await uploaded(shelf, bytesOf(1));
  expect(await shelf.activate(digest)).toMatchObject({ result: "down" });
  const refusing = await open({}, { use: async () => ({ ok: false, message: "no" }), read: async () => undefined });
  expect(await refusing.activate(digest)).toMatchObject({ result: "invalid", message: "no" });
  expect(await refusing.upload(bytesOf(2))).toMatchObject({ result: "down" });
  expect((await open()).list().active).toBeNull();
});

test("a shelf that is broken, or whose file is gone, leaves what the config names in force", async () => {
  const shelf = await open();
  const digest = await uploaded(shelf, bytesOf(1));
  await shelf.activate(digest);
  const file = join(folder, "references", "shelf.json");
  const text = readFileSync(file, "utf8");
  rmSync(join(folder, "references", `${digest}.json`));
  expect((await open()).path()).toBe("/configured.json");
  writeFileSync(file, text.slice(0, 20));
  expect((await open()).path()).toBe("/configured.json");
  const nowhere = await openShelf(referencesOptions.parse({}), { clock: new FakeClock(), log: silent, model: {}, storePath: undefined });
  expect(await nowhere.serve(use).upload(bytesOf(1))).toMatchObject({ result: "refused", message: expect.stringContaining("references.folder or store.path") });
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Log } from "../../agent/log.ts";
import { openStore, type Store } from "../../agent/store/store.ts";

let folder: string;
let file: string;
let logged: string[];
const open: Store[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pilotfish-store-"));
  file = join(folder, "state.sqlite");
  logged = [];
});
afterEach(() => {
  for (const store of open.splice(0)) store.close();
  rmSync(folder, { recursive: true });
});

const note = (level: string) => (_: unknown, message: string) => void logged.push(`${level}: ${message.replaceAll(folder, "DIR")}`);
const log: Log = { debug: note("debug"), info: note("info"), warn: note("warn"), error: note("error") };
const wallMs = () => Date.UTC(2026, 6, 27, 12, 34, 56);

function opened(path: string | undefined = file, eventsMax = 10_000): Store {
  const store = openStore({ path, eventsMax }, { log, wallMs });
  open.push(store);
  return store;
}

function reopened(): Store {
  for (const store of open.splice(0)) store.close();
  return opened();
}

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

test("what was put is there after a restart; a second put replaces the first", () => {
  const store = opened();
  expect(store.get("failover")).toBeUndefined();
  expect(store.put("failover", Buffer.from("open"), 1)).toBe("ok");
  expect(store.put("failover", Buffer.from("closed"), 2)).toBe("ok");
  store.put("a/b", new Uint8Array([0, 255]), 3);
  const again = reopened();
  expect(text(again.get("failover"))).toBe("closed");
  expect([...(again.get("a/b") as Uint8Array)]).toEqual([0, 255]);
  expect(again.keys()).toEqual(["a/b", "failover"]);
  expect(logged).toEqual([]);
});

test("decisions of people are bounded on their own: a server that flaps does not wash them out, nor they what happened", () => {
  const store = opened(file, 3);
  for (let i = 1; i <= 4; i += 1) store.append({ atWallMs: i, kind: "audit", detail: i });
  for (let i = 5; i <= 50; i += 1) store.append({ atWallMs: i, kind: "transition", detail: i });
  const again = reopened();
  expect(again.page({ kinds: ["audit"], limit: 10 }).map(({ id, detail }) => [id, detail])).toEqual([[4, 4], [3, 3], [2, 2]]);
  expect(again.page({ kinds: ["transition", "drift"], limit: 10 }).map(({ id }) => id)).toEqual([50, 49, 48]);
  expect(again.page({ kinds: ["transition", "audit"], before: 49, limit: 2 }).map(({ id }) => id)).toEqual([48, 4]);
});

test("the audit keeps its order, latest first, and only as many events as it may", () => {
  const store = opened(file, 3);
  for (let i = 1; i <= 5; i += 1) store.append({ atWallMs: i, kind: "pin", detail: { by: "ada", n: i } });
  expect(store.events(10).map(({ atWallMs, detail }) => [atWallMs, detail])).toEqual([5, 4, 3].map((n) => [n, { by: "ada", n }]));
  expect(reopened().events(1)).toEqual([{ atWallMs: 5, kind: "pin", detail: { by: "ada", n: 5 } }]);
});

test("a detail that is too long is cut, and still JSON", () => {
  const store = opened();
  store.append({ atWallMs: 1, kind: "note", detail: "x".repeat(1e6) });
  expect(String(store.events(1)[0]?.detail).length).toBe(16_384);
});

test("without a path state is in memory, which is said once", () => {
  const store = openStore({ eventsMax: 10 }, { log, wallMs });
  open.push(store);
  expect(store.put("a", Buffer.from("b"), 0)).toBe("memory");
  expect(text(store.get("a"))).toBe("b");
  expect(store.trouble).toBeUndefined();
  expect(logged).toEqual(["info: state is kept in memory only and lost at a restart: store.path is not set"]);
});

test("a corrupt file is set aside under a name that says when, and a fresh one begun", () => {
  writeFileSync(file, "this was a database once ".repeat(1_000));
  const store = opened();
  expect(store.durable).toBe(true);
  expect(store.put("a", Buffer.from("b"), 0)).toBe("ok");
  const aside = "state.sqlite.corrupt-20260727T123456Z";
  expect(readFileSync(join(folder, aside), "utf8")).toMatch(/^this was a database once/);
  expect(logged).toEqual([`warn: the state file was corrupt; set aside as DIR/${aside}, starting fresh`]);
  expect(text(reopened().get("a"))).toBe("b");
});

test("a file with a damaged page in the middle is found out at the start", () => {
  const store = opened();
  for (let i = 0; i < 200; i += 1) store.put(`key-${i}`, Buffer.alloc(2_000, i), 0);
  for (const one of open.splice(0)) one.close();
  const bytes = readFileSync(file);
  bytes.fill(7, 8_192, 24_576);
  writeFileSync(file, bytes);
  expect(opened().keys()).toEqual([]);
  expect(logged[0]).toMatch(/^warn: the state file was corrupt; set aside as/);
});

test.each([
  ["a folder that can not be made", () => (writeFileSync(join(folder, "blocked"), ""), join(folder, "blocked", "state.sqlite"))],
  ["a path that is a folder", () => folder],
])("%s: the daemon goes on in memory and says why", (_, path) => {
  const store = opened(path());
  expect(store.durable).toBe(false);
  expect(store.trouble).toMatch(/\w/);
  expect(store.put("a", Buffer.from("b"), 0)).toBe("memory");
  expect(text(store.get("a"))).toBe("b");
  expect(logged).toHaveLength(1);
  expect(logged[0]).toMatch(/^warn: state is kept in memory only and lost at a restart: DIR.* can not be used: /);
});

test("a second process on the same file goes on in memory; the first is not disturbed", () => {
  const first = opened();
  first.put("a", Buffer.from("first"), 0);
  const second = opened();
  expect(second.trouble).toBe("it is in use by another process");
  second.put("a", Buffer.from("second"), 0);
  expect(first.put("b", Buffer.from("first"), 0)).toBe("ok");
  expect(text(reopened().get("a"))).toBe("first");
});

test("a file of a newer Pilotfish is left as it is", () => {
  opened().put("a", Buffer.from("b"), 0);
  for (const store of open.splice(0)) store.close();
  const newer = new DatabaseSync(file);
  newer.exec("PRAGMA user_version = 7");
  newer.close();
  const before = readFileSync(file);
  expect(opened().trouble).toBe("it was written by a newer Pilotfish (layout 7, this one knows 1); upgrade, or give another store.path");
  expect(readFileSync(file).equals(before)).toBe(true);
});

test("another program's database is left as it is", () => {
  const theirs = new DatabaseSync(file);
  theirs.exec("CREATE TABLE state (precious TEXT)");
  theirs.close();
  expect(opened().trouble).toBe("it is another program's database; give another store.path");
});

test("a write that fails is counted and said once; so is that it works again", () => {
  const store = opened();
  store.put("a", Buffer.from("b"), 0);
  // Larger than SQLite takes: fails where a full disk would.
  const tooLarge = Buffer.alloc(2_000_000_000);
  expect(store.put("large", tooLarge, 0)).toBe("failed");
  expect(store.put("large", tooLarge, 0)).toBe("failed");
  expect(store.put("small", Buffer.from("c"), 0)).toBe("ok");
  expect(logged).toEqual(["error: state could not be written; trying again at each change", "info: state is written again"]);
});

test("kill -9 in the middle of writes: the file is sound and holds everything that was acknowledged", async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, "writer.ts"), file], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  let acknowledged = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Number(line);
    if (acknowledged === 300) child.kill("SIGKILL");
  }
  expect(await ended).toEqual([null, "SIGKILL"]);
  expect(acknowledged).toBeGreaterThanOrEqual(300);

  const store = opened();
  expect(store.durable).toBe(true);
  expect(logged).toEqual([]);
  expect(Number(text(store.get("count")))).toBeGreaterThanOrEqual(acknowledged);
  expect(store.get("large")).toHaveLength(50_000);
  expect(store.events(1)[0]?.detail).toBeGreaterThanOrEqual(acknowledged);
  for (const one of open.splice(0)) one.close();
  const database = new DatabaseSync(file);
  expect(database.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
  database.close();
});

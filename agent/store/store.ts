/**
 * Durable state in one SQLite file: values by key, each replaced whole, and an append-only audit of events. What was written
 * survives a kill -9 of the process; a loss of power may cost the last moments, since nothing waits for the disk
 * (write-ahead log, synchronous NORMAL).
 *
 * The store never keeps the daemon from running. A corrupt file is set aside under a name that says when, and a fresh one
 * begun. A file that can not be used at all (a folder that can not be written, a file in use by another process, of another
 * program or of a newer Pilotfish) is left as it is and state is kept in memory, which `trouble` says.
 *
 * Everything here blocks, so it runs off the main thread.
 */
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Log } from "../log.ts";
import type { StoreOptions } from "./options.ts";
import { SpoolTable, type SpoolLost } from "./spool-table.ts";

/** What became of a write: the label `result`. `memory`: it will not survive a restart. */
export type WriteResult = "ok" | "memory" | "failed";

/** Something for the audit. */
export interface AuditEvent {
  readonly atWallMs: number;
  readonly kind: string;
  /** Anything that JSON can say; cut at 16 KiB. */
  readonly detail: unknown;
}

/** An event as it is kept: its number never comes again, and a later event has a greater one. */
export interface KeptEvent extends AuditEvent {
  readonly id: number;
}

export interface EventsQuery {
  readonly kinds: readonly string[];
  /** Only events with a smaller number. */
  readonly before?: number | undefined;
  readonly limit: number;
}

/** Decisions of people are bounded on their own, so that a server that flaps does not wash them out. */
export const auditKind = "audit";

export interface StoreDeps {
  readonly log: Log;
  readonly wallMs: () => number;
  /** Bytes of all batches that wait in the spool; 0 keeps none. */
  readonly spoolMax?: number;
  readonly spoolLost?: SpoolLost;
}

/** "PFSH", in the file's header, so that no other program's database is ever written to. */
const applicationId = 0x50_46_53_48;
/** The layout of the tables; a file with a greater number is left alone. */
const schemaVersion = 1;
const detailMax = 16_384;

/** Opens the state file, or memory in its place; never throws for what it finds there. Cost: reads the whole file once. */
export function openStore({ path, eventsMax }: Pick<StoreOptions, "path" | "eventsMax">, { log, wallMs, spoolMax = 0, spoolLost = () => {} }: StoreDeps): Store {
  if (path === undefined) {
    log.info({}, "state is kept in memory only and lost at a restart: store.path is not set");
    return new Store(inMemory(), { eventsMax, spoolMax, spoolLost, log, durable: false });
  }
  const file = resolve(path);
  try {
    makeFolder(dirname(file));
    return new Store(openFile(file, log, wallMs), { eventsMax, spoolMax, spoolLost, log, durable: true });
  } catch (error) {
    const trouble = troubleOf(error);
    log.warn({ file, trouble }, `state is kept in memory only and lost at a restart: ${file} can not be used: ${trouble}`);
    return new Store(inMemory(), { eventsMax, spoolMax, spoolLost, log, durable: false, trouble });
  }
}

/** One by one: `recursive` never comes back from a folder that refuses as if it were not there, such as one in /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder);
}

interface StoreFacts extends Pick<StoreOptions, "eventsMax"> {
  readonly spoolMax: number;
  readonly spoolLost: SpoolLost;
  readonly log: Log;
  readonly durable: boolean;
  readonly trouble?: string;
}

export class Store {
  readonly durable: boolean;
  /** Why the file that was asked for is not used. */
  readonly trouble: string | undefined;
  /** What OTLP can not deliver now. */
  readonly spool: SpoolTable;
  readonly #database: DatabaseSync;
  readonly #log: Log;
  readonly #eventsMax: number;
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #keys: StatementSync;
  readonly #append: StatementSync;
  readonly #prune: StatementSync;
  readonly #events: StatementSync;
  readonly #page: StatementSync;
  #failing = false;

  /** Use `openStore`. */
  constructor(database: DatabaseSync, { eventsMax, spoolMax, spoolLost, log, durable, trouble }: StoreFacts) {
    this.durable = durable;
    this.trouble = trouble;
    this.#database = database;
    this.#eventsMax = eventsMax;
    this.#log = log;
    this.#get = database.prepare("SELECT value FROM state WHERE key = ?");
    this.#put = database.prepare(
      "INSERT INTO state (key, value, revision, at_ms) VALUES (?, ?, 1, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = revision + 1, at_ms = excluded.at_ms",
    );
    this.#keys = database.prepare("SELECT key FROM state ORDER BY key");
    this.#append = database.prepare("INSERT INTO events (at_ms, kind, detail) VALUES (?, ?, ?)");
    // The least number of the latest `eventsMax` of its class; what is below it goes. By an index, in both.
    this.#prune = database.prepare(
      "DELETE FROM events WHERE (kind = 'audit') = ?1 AND id < (SELECT id FROM events WHERE (kind = 'audit') = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    );
    this.#page = database.prepare(
      "SELECT id, at_ms, kind, detail FROM events WHERE kind IN (SELECT value FROM json_each(?)) AND id < ? ORDER BY id DESC LIMIT ?",
    );
    this.spool = new SpoolTable(database, spoolMax, spoolLost, (write) => this.#write(write) !== "failed");
    this.#events = database.prepare("SELECT at_ms, kind, detail FROM events ORDER BY id DESC LIMIT ?");
  }

  get(key: string): Uint8Array | undefined {
    return this.#get.get(key)?.["value"] as Uint8Array | undefined;
  }

  keys(): readonly string[] {
    return this.#keys.all().map((row) => row["key"] as string);
  }

  /** Replaces the value whole. */
  put(key: string, value: Uint8Array, atWallMs: number): WriteResult {
    return this.#write(() => this.#put.run(key, value, atWallMs));
  }

  /** Adds to the audit; the oldest event of its class goes when there are too many. */
  append({ atWallMs, kind, detail }: AuditEvent): WriteResult {
    return this.#write(() => {
      this.#append.run(atWallMs, kind, jsonOf(detail));
      this.#prune.run(kind === auditKind ? 1 : 0, this.#eventsMax - 1);
    });
  }

  /** Latest first. */
  events(limit: number): readonly AuditEvent[] {
    return this.#events.all(limit).map((row) => ({
      atWallMs: row["at_ms"] as number,
      kind: row["kind"] as string,
      detail: JSON.parse(row["detail"] as string) as unknown,
    }));
  }

  /** Of these kinds, latest first. */
  page({ kinds, before = Number.MAX_SAFE_INTEGER, limit }: EventsQuery): readonly KeptEvent[] {
    return this.#page.all(JSON.stringify(kinds), before, limit).map((row) => ({
      id: row["id"] as number,
      atWallMs: row["at_ms"] as number,
      kind: row["kind"] as string,
      detail: JSON.parse(row["detail"] as string) as unknown,
    }));
  }

  close(): void {
    this.#database.close();
  }

  /** A full disk is said when it begins and when it ends, not at each write. */
  #write(write: () => void): WriteResult {
    try {
      write();
    } catch (error) {
      if (!this.#failing) this.#log.error({ error: troubleOf(error) }, "state could not be written; trying again at each change");
      this.#failing = true;
      return "failed";
    }
    if (this.#failing) this.#log.info({}, "state is written again");
    this.#failing = false;
    return this.durable ? "ok" : "memory";
  }
}

function inMemory(): DatabaseSync {
  return prepared(new DatabaseSync(":memory:"));
}

function openFile(file: string, log: Log, wallMs: () => number): DatabaseSync {
  try {
    return openSound(file);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    const aside = setAside(file, wallMs());
    log.warn({ file, aside, error: troubleOf(error) }, `the state file was corrupt; set aside as ${aside}, starting fresh`);
    return openSound(file);
  }
}

class Corrupt extends Error {}

/** Throws SQLite's error, `Corrupt`, or an Error whose message tells a person why the file must be left alone. */
function openSound(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 500 });
  try {
    // One process to one file: another one is refused here, and no shared-memory file is needed beside it.
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    const { quick_check: found } = database.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
    if (found !== "ok") throw new Corrupt(found);
    const version = number(database, "user_version");
    const owner = number(database, "application_id");
    const tables = database.prepare("SELECT count(*) AS count FROM sqlite_schema").get() as { count: number };
    if (owner !== applicationId && tables.count > 0) throw new Error("it is another program's database; give another store.path");
    if (version > schemaVersion) throw new Error(`it was written by a newer Pilotfish (layout ${version}, this one knows ${schemaVersion}); upgrade, or give another store.path`);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 4194304");
    return prepared(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

function prepared(database: DatabaseSync): DatabaseSync {
  database.exec(`
    CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value BLOB NOT NULL, revision INTEGER NOT NULL, at_ms INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL) STRICT;
    CREATE INDEX IF NOT EXISTS events_by_class ON events ((kind = 'audit'), id);
    CREATE TABLE IF NOT EXISTS spool (id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, items INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
    CREATE INDEX IF NOT EXISTS spool_by_lane ON spool (lane, id);
    PRAGMA application_id = ${applicationId};
    PRAGMA user_version = ${schemaVersion};
  `);
  return database;
}

function number(database: DatabaseSync, pragma: "user_version" | "application_id"): number {
  return (database.prepare(`PRAGMA ${pragma}`).get() as Record<string, number>)[pragma] as number;
}

/** Moves the file and its log out of the way. The new name of the file. */
function setAside(file: string, wallMs: number): string {
  const time = new Date(wallMs).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const aside = `${file}.corrupt-${time}`;
  for (const suffix of ["", "-wal", "-shm"]) {
    if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
  }
  return aside;
}

// SQLite's primary result codes, https://sqlite.org/rescode.html
const busy = 5;
const corrupt = 11;
const notADatabase = 26;

function resultCode(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

function isCorrupt(error: unknown): boolean {
  const code = resultCode(error);
  return error instanceof Corrupt || code === corrupt || code === notADatabase;
}

function troubleOf(error: unknown): string {
  if (resultCode(error) === busy) return "it is in use by another process";
  return error instanceof Error ? error.message : String(error);
}

function jsonOf(detail: unknown): string {
  const text = JSON.stringify(detail) ?? "null";
  return text.length <= detailMax ? text : JSON.stringify(text.slice(0, detailMax));
}

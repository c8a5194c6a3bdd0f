/**
 * Writes a window to a folder: the data, and beside it a manifest in JSON that says what it is. Each file appears whole or not at
 * all. So many windows and bytes are left lying there; the oldest go before a new one comes, and nothing else in the folder is
 * touched. What can not be written is a value with a reason, since a request goes out without its data then.
 *
 * Runs in the analysis thread: it reads and writes files.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { RetrainWhy, RetrainWindow } from "../../retrain-view.ts";
import { encoders, endings, type WindowFormat } from "./formats.ts";
import { redactor, type Redaction } from "./redact.ts";
import { tableOf } from "./table.ts";
import type { Piece, TrainingWindow } from "./window.ts";

/** What is to be written, where, and why. Crosses threads: the key stays in its file. */
export interface WriteWindow {
  readonly folder: string;
  /** What stands before the files' names for whoever is asked; the folder's path without it. */
  readonly location: string | undefined;
  readonly format: WindowFormat;
  readonly redaction: Redaction & { readonly keyFile: string | undefined };
  readonly keep: { readonly windows: number; readonly bytes: number };
  readonly id: string;
  readonly model: string;
  readonly who: string;
  readonly why: RetrainWhy;
  readonly atWallMs: number;
}

export type WindowWritten =
  | { readonly ok: true; readonly window: RetrainWindow }
  /** A sentence for a person; it names no value of the data. */
  | { readonly ok: false; readonly reason: "empty" | "key" | "too-large" | "disk"; readonly detail: string };

/** Of the HMAC: shorter ones can be guessed. */
const keyBytesMin = 16;
const versionsMax = 10;

/**
 * Never rejects. Memory: the file, and a few hundred rows as plain values.
 *
 * @param reference digest of the one in force.
 */
export async function writeWindow(window: TrainingWindow | undefined, asked: WriteWindow, reference: string | undefined): Promise<WindowWritten> {
  const pieces = [...(window?.pieces ?? [])];
  if (pieces.length === 0) return { ok: false, reason: "empty", detail: "no row was answered since the sidecar started" };
  let key: Uint8Array | undefined;
  try {
    key = await keyOf(asked.redaction.keyFile);
  } catch (error) {
    return { ok: false, reason: "key", detail: `retrain.redact.keyFile: ${messageOf(error)}` };
  }
  try {
    return await write(pieces, asked, reference, key);
  } catch (error) {
    return { ok: false, reason: "disk", detail: `${asked.folder} can not be written: ${messageOf(error)}` };
  }
}

async function write(pieces: readonly Piece[], { folder, location, format, redaction, keep, id, model, who, why, atWallMs }: WriteWindow, reference: string | undefined, key: Uint8Array | undefined): Promise<WindowWritten> {
  const table = tableOf(pieces, redactor(redaction, key));
  const [fromWallMs, toWallMs] = [Math.min(...pieces.map((piece) => piece.fromWallMs)), Math.max(...pieces.map((piece) => piece.toWallMs))];
  const data = await encoders[format](table);
  const name = `${prefixOf(model)}${stampOf(atWallMs)}-${id}`;
  const window: RetrainWindow = {
    location: (location ?? `${folder}/`) + `${name}.${endings[format]}`,
    manifest: (location ?? `${folder}/`) + `${name}.json`,
    format,
    rows: table.rows,
    actuals: table.actuals(),
    fromWallMs, toWallMs,
    versions: table.columns.some(({ source, of, action }) => source === "pilotfish" && of === "version" && action === "keep") ? versionsOf(pieces) : [],
    reference,
    bytes: data.byteLength,
    sha256: createHash("sha256").update(data).digest("hex"),
  };
  const manifest = Buffer.from(`${JSON.stringify({
    format: "pilotfish-window/1",
    id, model, reference: reference ?? null,
    asked: { at: iso(atWallMs), by: who, reason: why.reason ?? null, streams: why.streams.map(({ sinceWallMs, ...stream }) => ({ ...stream, since: iso(sinceWallMs) })) },
    data: { file: `${name}.${endings[format]}`, format, bytes: window.bytes, sha256: window.sha256 },
    rows: window.rows, actuals: window.actuals, from: iso(fromWallMs), to: iso(toWallMs), versions: window.versions,
    columns: table.columns.map(({ name: its, source, of, type, action }) => ({ name: its, source, of, type, ...(action !== "keep" && { redaction: action }) })),
    redaction: { default: redaction.default, keep: redaction.keep, drop: redaction.drop, hash: redaction.hash, round: redaction.round, inferenceIds: redaction.inferenceIds },
  }, null, 2)}\n`);
  const bytes = data.byteLength + manifest.byteLength;
  if (bytes > keep.bytes) return { ok: false, reason: "too-large", detail: `the window takes ${bytes} bytes, retrain.keep.bytes leaves ${keep.bytes}` };
  await makeFolder(folder);
  await makeRoom(folder, prefixOf(model), id, { windows: keep.windows - 1, bytes: keep.bytes - bytes });
  await writeWhole(join(folder, `${name}.${endings[format]}`), data);
  // Last, so that whoever finds the manifest finds the data.
  await writeWhole(join(folder, `${name}.json`), manifest);
  return { ok: true, window };
}

/** One by one: `recursive` never comes back from a folder that refuses as if it were not there, such as one in /proc. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EEXIST") return;
    if (code !== "ENOENT" || dirname(folder) === folder || (await stat(dirname(folder)).then(() => true, () => false))) throw error;
    await makeFolder(dirname(folder));
    await mkdir(folder, { mode: 0o700 });
  }
}

/** Removes this model's oldest windows until so many and so much is left, and what writes that were cut off have left. */
async function makeRoom(folder: string, prefix: string, id: string, { windows, bytes }: WriteWindow["keep"]): Promise<void> {
  const lying = new Map<string, { files: string[]; bytes: number }>();
  for (const file of await readdir(folder)) {
    const [, stem, ending] = file.startsWith(prefix) ? (/^(\d{8}T\d{6}Z-[0-9a-f-]{36})\.(.+)$/.exec(file.slice(prefix.length)) ?? []) : [];
    if (stem === undefined || ending === undefined) continue;
    if (stem.endsWith(id)) continue;
    if (ending.endsWith(".part")) await rm(join(folder, file), { force: true });
    else if (["json", ...Object.values(endings)].includes(ending)) {
      const { size } = await stat(join(folder, file));
      const one = lying.get(stem) ?? { files: [], bytes: 0 };
      lying.set(stem, { files: [...one.files, file], bytes: one.bytes + size });
    }
  }
  const oldest = [...lying].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  let left = oldest.reduce((sum, one) => sum + one.bytes, 0);
  while (oldest.length > windows || left > bytes) {
    const gone = oldest.shift();
    if (gone === undefined) return;
    for (const file of gone.files) await rm(join(folder, file), { force: true });
    left -= gone.bytes;
  }
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.part`;
  try {
    await writeFile(part, bytes, { mode: 0o600 });
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function keyOf(file: string | undefined): Promise<Uint8Array | undefined> {
  if (file === undefined) return undefined;
  const key = Buffer.from((await readFile(file, "utf8")).trim());
  if (key.byteLength < keyBytesMin) throw new Error(`${file} has less than ${keyBytesMin} bytes`);
  return key;
}

function versionsOf(pieces: readonly Piece[]): readonly string[] {
  const versions = new Set<string>();
  for (const piece of pieces) {
    for (let row = 0; row < piece.rows && versions.size < versionsMax; row += 1) {
      const version = piece.get("pilotfish", "version", row);
      if (version !== null) versions.add(String(version));
    }
  }
  return [...versions];
}

/** Of a file's name: a model's may have any characters. */
function prefixOf(model: string): string {
  return `${model.replaceAll(/[^\w.-]/g, "_").replace(/^\.+/, "_").slice(0, 100)}-`;
}

function stampOf(wallMs: number): string {
  return iso(wallMs).replaceAll(/[-:]|\.\d+/g, "");
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

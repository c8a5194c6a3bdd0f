/**
 * A reference as a file: JSON, gzipped where the name ends in `.gz`. What is read is checked before anybody relies on it,
 * and every way it can be wrong is told with the file's name and what to do.
 */
import { createHash } from "node:crypto";
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { parseReference, type Reference } from "../../detectors/reference/reference.ts";

/** Of the file and of what is in it once unpacked. */
const sizeMax = 64 * 1_048_576;

export const referenceFaults = [
  "missing", // there is no such file
  "unreadable", // no permission, a folder, no gzip
  "too-large", // over 64 MiB, packed or unpacked
  "no-json", // cut short, or something else
  "no-reference", // JSON, but not in the format
  "other-model", // made for another model
] as const;
export type ReferenceFault = (typeof referenceFaults)[number];

export type ReadReference =
  | { readonly ok: true; readonly reference: Reference; readonly digest: string }
  | { readonly ok: false; readonly reason: ReferenceFault; readonly message: string };

/**
 * Reads and checks a reference file.
 *
 * @param model the model it must have been made for; any when undefined.
 */
export async function readReference(path: string, model?: string): Promise<ReadReference> {
  const unpacked = await readText(path);
  if (typeof unpacked !== "string") return unpacked;

  let json: unknown;
  try {
    json = JSON.parse(unpacked);
  } catch (error) {
    return fault("no-json", `the reference ${path} is no JSON (${messageOf(error)}); make it again, or leave model.reference out to learn one from traffic`);
  }
  let reference: Reference;
  try {
    reference = parseReference(json);
  } catch (error) {
    return fault("no-reference", `the reference ${path} can not be used: ${messageOf(error)}; make it again, or leave model.reference out to learn one from traffic`);
  }
  if (model !== undefined && reference.model !== model) {
    return fault("other-model", `the reference ${path} was made for the model "${reference.model}", not for "${model}"; give the reference of "${model}", or correct model.name`);
  }
  return { ok: true, reference, digest: referenceDigest(reference) };
}

/** Writes the file whole or not at all: a reader never sees half of it. Rejects with the file system's error. */
export async function writeReference(path: string, reference: Reference): Promise<void> {
  const text = Buffer.from(JSON.stringify(reference));
  const part = `${path}.part`;
  try {
    await writeFile(part, path.endsWith(".gz") ? await promisify(gzip)(text) : text);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** SHA-256 in hex of what the reference says, however it is written down: keys in order, no white space. */
export function referenceDigest(reference: Reference): string {
  return createHash("sha256").update(canonical(reference)).digest("hex");
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const pairs = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${pairs.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
}

async function readText(path: string): Promise<string | Extract<ReadReference, { ok: false }>> {
  let packed: Buffer;
  try {
    const { size } = await stat(path);
    if (size > sizeMax) return tooLarge(path);
    packed = await readFile(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return fault("missing", `there is no reference ${path}; correct the path, or leave model.reference out to learn one from traffic`);
    return fault("unreadable", `the reference ${path} can not be read: ${messageOf(error)}`);
  }
  if (!path.endsWith(".gz")) return packed.toString("utf8");
  try {
    return (await promisify(gunzip)(packed, { maxOutputLength: sizeMax })).toString("utf8");
  } catch (error) {
    if (codeOf(error) === "ERR_BUFFER_TOO_LARGE") return tooLarge(path);
    return fault("unreadable", `the reference ${path} is no gzip file (${messageOf(error)}); its name ends in .gz`);
  }
}

function tooLarge(path: string): Extract<ReadReference, { ok: false }> {
  return fault("too-large", `the reference ${path} is larger than 64 MiB; make it from fewer features`);
}

function fault(reason: ReferenceFault, message: string): Extract<ReadReference, { ok: false }> {
  return { ok: false, reason, message };
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

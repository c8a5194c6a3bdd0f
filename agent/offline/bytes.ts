/** The bytes of a file, unpacked where its name ends in `.gz`; what goes wrong is told with the file's name. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { InputError } from "./input-error.ts";
import type { DataFile } from "./table.ts";

const pieceBytes = 262_144;

/** Throws an InputError where there is no such file or it is empty. */
export async function sizeOf({ name, path }: DataFile): Promise<number> {
  try {
    const found = await stat(path);
    if (!found.isFile() && !found.isFIFO() && !found.isCharacterDevice()) throw new InputError(`${name}: expected a file, this is a folder or something else`);
    if (found.isFile() && found.size === 0) throw new InputError(`${name}: the file is empty`);
    return found.size;
  } catch (error) {
    throw asInputError(name, error);
  }
}

/** @param onBytes hears how many bytes of the file, packed as they are, have been read. */
export async function* readBytes({ name, path }: DataFile, onBytes: (bytes: number) => void = () => {}): AsyncGenerator<Uint8Array> {
  const file = createReadStream(path, { highWaterMark: pieceBytes });
  const bytes = path.endsWith(".gz") ? pipeline(file, createGunzip({ chunkSize: pieceBytes }), () => {}) : file;
  try {
    for await (const piece of bytes as AsyncIterable<Uint8Array>) {
      onBytes(file.bytesRead);
      yield piece;
    }
  } catch (error) {
    throw asInputError(name, error);
  } finally {
    file.destroy();
  }
}

function asInputError(name: string, error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  const code = String(error.code);
  if (code === "ENOENT") return new InputError(`${name}: there is no such file`);
  if (code === "Z_BUF_ERROR") return new InputError(`${name}: the gzip file ends too early; it was cut short`);
  if (code.startsWith("Z_")) return new InputError(`${name}: this is no gzip file, though its name ends in .gz (${error.message})`);
  return new InputError(`${name}: can not be read: ${error.message}`);
}

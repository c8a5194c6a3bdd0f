/**
 * Secrets are read when they are needed and kept nowhere: a token that Kubernetes renews is the new one at the next attempt. An
 * error says which file or variable, never what is in it.
 */
import { open } from "node:fs/promises";

export interface SecretPlace {
  readonly file?: string | undefined;
  /** Of the environment. */
  readonly variable?: string | undefined;
}

export type Environment = (name: string) => string | undefined;

export type ReadSecret = { readonly ok: true; readonly value: string } | { readonly ok: false; readonly detail: string };

const bytesMax = 65_536;

/** Without white space around it. Never rejects. */
export async function readSecret({ file, variable }: SecretPlace, environment: Environment): Promise<ReadSecret> {
  const place = file ?? `the variable ${variable}`;
  let text: string | undefined;
  try {
    text = file === undefined ? environment(variable ?? "") : await readBounded(file);
  } catch (error) {
    return { ok: false, detail: `the token can not be read from ${place}: ${codeOf(error)}` };
  }
  const value = text?.trim() ?? "";
  if (value === "") return { ok: false, detail: `there is no token in ${place}` };
  // It goes into a header.
  return /^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(value) ? { ok: true, value } : { ok: false, detail: `what is in ${place} is no token: expected one line of visible ASCII characters` };
}

/** The field that carries a secret; in `authorization` it stands behind `Bearer`. */
export function secretField(header: string, value: string): Readonly<Record<string, string>> {
  return { [header]: header === "authorization" ? `Bearer ${value}` : value };
}

/** A small file; rejects for one that is larger than 64 KiB. */
export async function readBounded(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(bytesMax + 1), 0, bytesMax + 1, 0);
    if (bytesRead > bytesMax) throw new Error("it is larger than 64 KiB");
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Why a file can not be read, without its name. */
export function codeOf(error: unknown): string {
  return error instanceof Error ? ("code" in error ? String(error.code) : error.message) : String(error);
}

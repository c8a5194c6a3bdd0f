/**
 * Bearer tokens from files, each with a name for the audit, a role and perhaps an end. A file that changes is read anew; one
 * that is gone or empty lets nobody in until it is back, since to take it away is how a token is withdrawn.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import * as z from "zod";
import type { Clock } from "../clock.ts";
import type { Close } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import { roles, type Principal } from "../principal.ts";
import { readSmall, watch } from "./file-watch.ts";

export const tokenOptions = z.strictObject({
  /** For the audit. */
  name: z.string().min(1).max(100),
  role: z.enum(roles),
  file: z.string().min(1),
  /** It counts until then; for ever where nothing is said. */
  expires: z.iso.datetime({ offset: true, error: 'expected a time with its offset, such as "2027-01-01T00:00:00Z"' }).optional(),
});
export type TokenOptions = z.infer<typeof tokenOptions>;

export interface Tokens {
  /** Who bears it; `expired` where it counted once. Cost: two digests and a comparison for each token, whichever it is. */
  find(token: string): Principal | "expired" | undefined;
  readonly close: Close;
}

interface Known {
  readonly digest: Buffer;
  readonly principal: Principal;
}

/** Rejects where a file can not be read at the start; the message names the option. */
export async function openTokens(options: readonly (TokenOptions & { readonly option: string })[], { clock, log }: { readonly clock: Clock; readonly log: Log }): Promise<Tokens> {
  const known = new Map<string, Known>();
  const missing = new Set<string>();

  async function read({ name, role, file, expires, option }: (typeof options)[number]): Promise<void> {
    const text = await readSmall(option, file);
    const digest = digestOf(text.trim());
    const before = known.get(name);
    if (before?.digest.equals(digest) === true) return;
    if (before !== undefined || missing.delete(name)) log.info({ token: name }, "a token was read anew");
    known.set(name, { digest, principal: { name, role, ...(expires !== undefined && { expiresAtWallMs: Date.parse(expires) }) } });
  }

  for (const one of options) await read(one);
  const stop = watch(
    clock,
    async () => {
      for (const one of options) {
        try {
          await read(one);
        } catch (error) {
          if (known.delete(one.name)) {
            missing.add(one.name);
            log.warn({ token: one.name, error: (error as Error).message }, "a token can not be read any more and lets nobody in");
          }
        }
      }
    },
    (error) => log.error({ error }, "the tokens could not be read anew"),
  );

  return {
    find(token) {
      const given = digestOf(token);
      let found: Principal | undefined;
      // Digests are compared, and all of them, so that neither the time nor the length shows anything.
      for (const { digest, principal } of known.values()) {
        if (timingSafeEqual(digest, given)) found ??= principal;
      }
      return found?.expiresAtWallMs !== undefined && found.expiresAtWallMs <= clock.wallMs() ? "expired" : found;
    },
    close: stop,
  };
}

/**
 * The token of an Authorization header: Bearer, or the password of Basic (RFC 7617), which is all that a client can send that is
 * given an address and no headers, as Flagger is. Basic is taken and never asked for, so no browser asks a person for it.
 */
export function tokenOf(authorization: string | undefined): string | undefined {
  const [, scheme = "", credentials = ""] = /^(Bearer|Basic) +([^ ]+) *$/i.exec(authorization ?? "") ?? [];
  if (scheme.toLowerCase() !== "basic") return credentials || undefined;
  const [, password] = /^[^:]*:(.+)$/s.exec(Buffer.from(credentials, "base64").toString("utf8")) ?? [];
  return password;
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** The token in a file, without white space around it; undefined where there is no file. Throws, naming the option. */
export async function readToken(option: string, path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : (await readSmall(option, path)).trim();
}

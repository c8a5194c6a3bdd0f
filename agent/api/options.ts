/** What a config may say of the control API, and what is wrong between its options. */
import * as z from "zod";
import { bytes } from "../units.ts";
import { isLoopback } from "./access.ts";
import { limitsOptions } from "./limits.ts";
import { clientOptions, tlsOptions } from "./tls.ts";
import { tokenOptions, type TokenOptions } from "./tokens.ts";

export const apiOptions = z.strictObject({
  host: z.string().min(1).default("127.0.0.1"),
  port: z.int().min(0).max(65_535).default(9_081),
  /** A unix socket besides, which only its owner can open and which asks for no token. */
  socket: z.string().min(1).max(100).optional(),
  /** Its content is a bearer token with the role admin. */
  tokenFile: z.string().min(1).optional(),
  tokens: z.array(tokenOptions).max(100).default([]),
  tls: tlsOptions.optional(),
  /** Roles of clients by the certificate that they show. */
  clients: z.array(clientOptions).max(100).default([]),
  bodyMax: bytes().prefault("1MiB"),
  limits: limitsOptions.prefault({}),
});
export type ApiOptions = z.infer<typeof apiOptions>;

/** All tokens, that of `api.tokenFile` among them. */
export function allTokens({ tokenFile, tokens }: ApiOptions): readonly (TokenOptions & { readonly option: string })[] {
  const single = tokenFile === undefined ? [] : [{ name: "admin", role: "admin" as const, file: tokenFile, option: "api.tokenFile" }];
  return [...single, ...tokens.map((token, i) => ({ ...token, option: `api.tokens.${i}.file` }))];
}

/** Must somebody who asks over TCP say who it is? */
export function asksWho(options: ApiOptions): boolean {
  return allTokens(options).length > 0 || options.clients.length > 0;
}

/** What is wrong between the options: a sentence that names them. */
export function apiOptionsProblem(options: ApiOptions): string | undefined {
  const { host, tls, clients } = options;
  const names = allTokens(options).map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) return `api.tokens: two tokens have the name "${twice}"; the audit could not tell them apart`;
  if (clients.length > 0 && tls?.clientCa === undefined) return "api.clients needs api.tls.clientCa, the authority whose certificates clients must show";
  if (isLoopback(host) || asksWho(options)) return undefined;
  return `api.host ${host} is not loopback, so that others can reach the API: set api.tokenFile, or leave api.host at 127.0.0.1; api.tokens and api.clients serve as well`;
}

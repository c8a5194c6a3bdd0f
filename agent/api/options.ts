/** What a config may say of the control API, and what is wrong between its options. */
import * as z from "zod";
import { bytes } from "../units.ts";
import { isLoopback } from "./access.ts";

export const apiOptions = z.strictObject({
  host: z.string().min(1).default("127.0.0.1"),
  port: z.int().min(0).max(65_535).default(9_081),
  /** Its content is a bearer token with the role admin. */
  tokenFile: z.string().min(1).optional(),
  bodyMax: bytes().prefault("1MiB"),
});
export type ApiOptions = z.infer<typeof apiOptions>;

/** What is wrong between the options: a sentence that names them. */
export function apiOptionsProblem({ host, tokenFile }: ApiOptions): string | undefined {
  if (isLoopback(host) || tokenFile !== undefined) return undefined;
  return `api.host ${host} is not loopback, so that others can reach the API: set api.tokenFile, or leave api.host at 127.0.0.1`;
}

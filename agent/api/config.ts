/** The config in force, without its secrets, and reading it again. */
import * as z from "zod";
import { route, type Answer, type Route } from "./route.ts";

export type Reloaded =
  | { readonly ok: true; /** Sections that only count at the next start. */ readonly atNextStart: readonly string[] }
  | { readonly ok: false; readonly problems: readonly { readonly path: string; readonly message: string }[] };

export interface ConfigDeps {
  /** What is in force; secrets are struck out here. */
  readonly config: () => unknown;
  /** As SIGHUP does; undefined where there is no file to read again. */
  readonly reload: (() => Promise<Reloaded>) | undefined;
}

const reloaded = z.object({ reloaded: z.literal(true), atNextStart: z.array(z.string()).describe("Sections with changes that only count at the next start.") });

export function configRoutes(deps: ConfigDeps): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "/v1/config",
      name: "config.read",
      role: "admin",
      summary: "The config in force, with every default; secrets are struck out.",
      etag: true,
      answers: { 200: { description: "The config.", schema: z.looseObject({}) } },
      handle: () => ({ status: 200, body: withoutSecrets(deps.config()) }),
    }),
    route({
      method: "POST",
      path: "/v1/config/reload",
      name: "config.reload",
      role: "admin",
      summary: "Reads the config's file again, as SIGHUP does; a bad one changes nothing.",
      answers: { 200: { description: "It is in force.", schema: reloaded } },
      async handle(): Promise<Answer> {
        const done = await deps.reload?.();
        if (done === undefined) return { status: 409, problem: "there is no config file to read again: Pilotfish was started without one" };
        if (done.ok) return { status: 200, body: { reloaded: true, atNextStart: done.atNextStart }, audit: { detail: { atNextStart: done.atNextStart } } };
        const errors = done.problems.map(({ path, message }) => ({ pointer: `#/${path.replaceAll(".", "/")}`, detail: message }));
        return { status: 409, problem: "the config has mistakes, the old one stays in force", errors };
      },
    }),
  ];
}

const struckOut = "***";
const secretKey = /(?:token|password|secret|authorization|api[-_]?key|credential)s?$/i;

/** Values under names of secrets, all values of `headers`, and what a URL says of a user are struck out; paths of files stay. */
export function withoutSecrets(value: unknown, key: string = ""): unknown {
  if (Array.isArray(value)) return value.map((inner) => withoutSecrets(inner, key === "headers" ? key : ""));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutSecrets(inner, key === "headers" ? key : name)]));
  }
  if (typeof value !== "string") return value;
  if (key === "headers" || secretKey.test(key)) return struckOut;
  return value.replaceAll(/\b([a-z][\w+.-]*:\/\/)[^/@\s]+@/gi, `$1${struckOut}@`).replaceAll(/([?&][\w-]*(?:token|key|secret|password)[\w-]*=)[^&\s]+/gi, `$1${struckOut}`);
}

/** Reads the config that a command was given, or says everything that is wrong with it. */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { checkWorld, resolvePaths, whyUnreadable } from "../config/check.ts";
import { configFor, parseConfig, type Config, type Parsed } from "../config/config.ts";
import { problemLine, type Problem } from "../config/problem.ts";
import { UsageError } from "./usage.ts";
import { exit, type World } from "./world.ts";

export interface ConfigSource {
  readonly config?: string | undefined;
  readonly server?: string | undefined;
  readonly set?: readonly string[] | undefined;
}

export const configOptions = {
  config: { type: "string", short: "c" },
  server: { type: "string", short: "s" },
  set: { type: "string", multiple: true },
} as const;

export type Loaded =
  | { readonly ok: true; readonly config: Config; readonly file: string }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly file: string };

/** Never rejects for what is wrong with the config or its file; throws a UsageError when neither a file nor a URL is named. */
export async function load({ config: file, server, set = [] }: ConfigSource, world: Pick<World, "cwd">): Promise<Loaded> {
  if (file !== undefined && server !== undefined) throw new UsageError("give either --config or --server, not both");
  if (server !== undefined) return withoutLines(await finish(configFor(server, set), world.cwd, "--server"));
  if (file === undefined) throw new UsageError("name a config with --config FILE, or the model server with --server URL");
  const path = resolve(world.cwd, file);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    return { ok: false, file, problems: [{ path: "", message: `the config can not be read: ${whyUnreadable(error)}` }] };
  }
  return finish(parseConfig(text, set), dirname(path), file);
}

async function finish(parsed: Parsed, folder: string, file: string): Promise<Loaded> {
  const seen = (await checkWorld(resolvePaths(parsed.config, folder))).map(parsed.place);
  if (parsed.ok && seen.length === 0) return { ok: true, config: resolvePaths(parsed.config, folder), file };
  const problems = [...(parsed.ok ? [] : parsed.problems), ...seen].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  return { ok: false, problems, file };
}

/** There is no file whose lines could be meant. */
function withoutLines(loaded: Loaded): Loaded {
  return loaded.ok ? loaded : { ...loaded, problems: loaded.problems.map(({ path, message }) => ({ path, message })) };
}

/** Every mistake on a line of its own, and the exit code for bad input. */
export function complain({ file, problems }: Extract<Loaded, { ok: false }>, world: Pick<World, "err">): number {
  for (const problem of problems) world.err(`${problemLine(file, problem)}\n`);
  world.err(`${problems.length} ${problems.length === 1 ? "mistake" : "mistakes"}\n`);
  return exit.bad;
}

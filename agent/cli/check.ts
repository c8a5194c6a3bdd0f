/** `pilotfish check`: is this config good? Every mistake at once, each with its path. Starts nothing. */
import { complain, configOptions, load } from "./load.ts";
import { parseOptions, UsageError } from "./usage.ts";
import { exit, type World } from "./world.ts";

export const check = {
  usage: "pilotfish check [--config] FILE [--set path=value]... [--json]",
  help: "Check a config and name every mistake in it.\n\nLooks at the files it names too, but asks no server. Exits with 0 if it is good, 2 if not.\nWith --json: {\"ok\": boolean, \"problems\": [{path, message, line?, column?}]}.\n\nExamples:\n  pilotfish check pilotfish.yaml\n  pilotfish check pilotfish.yaml --set ladder.0.timeout=300ms --json",
  async run(argv: readonly string[], world: World): Promise<number> {
    const { values, positionals } = parseOptions(argv, { ...configOptions, json: { type: "boolean", default: false } }, 1);
    if (values.config !== undefined && positionals.length > 0) throw new UsageError("name one config, not two");
    const loaded = await load({ ...values, config: values.config ?? positionals[0] }, world);
    if (values.json) {
      world.out(`${JSON.stringify({ ok: loaded.ok, problems: loaded.ok ? [] : loaded.problems }, null, 2)}\n`);
      return loaded.ok ? exit.done : exit.bad;
    }
    if (!loaded.ok) return complain(loaded, world);
    world.out(`${loaded.file}: good\n`);
    return exit.done;
  },
};

/** `pilotfish config schema`: the config's JSON Schema, for editors and for whoever makes configs. */
import * as z from "zod";
import type { Command } from "./command.ts";
import { parseOptions, UsageError } from "./usage.ts";
import { exit } from "./world.ts";

export const config: Command = {
  usage: "pilotfish config schema [--json]",
  words: ["schema"],
  help: `Print the JSON Schema of the config, made from what the daemon itself checks with.\n\nWhat no schema can say (files that must be there, listeners that collide) \`pilotfish check\` finds.\n\nExamples:\n  pilotfish config schema > pilotfish.schema.json\n  # yaml-language-server: $schema=pilotfish.schema.json   (the first line of a config, for editors)`,
  async run(argv, world) {
    const { positionals } = parseOptions(argv, { json: { type: "boolean", default: false } }, 1);
    if (positionals[0] !== "schema") throw new UsageError("say what of it: schema");
    const { configSchema } = await import("../config/config.ts");
    const schema = z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" });
    world.out(`${JSON.stringify({ $id: "https://pilotfish.invalid/config.schema.json", title: "Pilotfish's config", ...schema }, null, 2)}\n`);
    return exit.done;
  },
};

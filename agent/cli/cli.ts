/** The command line: a literal table of commands, one help text, and the rule that bad input exits with 2 and says why. */
import { actuals } from "./actuals.ts";
import { check } from "./check.ts";
import type { Command } from "./command.ts";
import { completion } from "./completion.ts";
import { config } from "./config-schema.ts";
import { CallError } from "./control.ts";
import { demo } from "./demo.ts";
import { detect } from "./detect.ts";
import { drain, hold, pin, release } from "./override.ts";
import { reference } from "./reference.ts";
import { replay } from "./replay.ts";
import { retrain } from "./retrain.ts";
import { review } from "./review.ts";
import { rollout } from "./rollout.ts";
import { run } from "./run.ts";
import { score } from "./score.ts";
import { signals } from "./signals.ts";
import { status } from "./status.ts";
import { version } from "./version.ts";
import { UsageError } from "./usage.ts";
import { watch } from "./watch.ts";
import { exit, type World } from "./world.ts";

const commands: Readonly<Record<string, Command>> = {
  run, check, demo,
  status, watch, signals, pin, hold, drain, release, review, rollout, retrain, actuals,
  reference, replay, detect, score,
  config, completion: completion(() => commands),
};

export async function cli(argv: readonly string[], world: World): Promise<number> {
  const [name, ...rest] = argv[0] === "help" && argv.length > 1 ? [argv[1] as string, "--help"] : argv;
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    (name === undefined ? world.err : world.out)(help());
    return name === undefined ? exit.bad : exit.done;
  }
  if (name === "--version" || name === "version") {
    world.out(`${version}\n`);
    return exit.done;
  }
  const command: Command | undefined = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    world.err(`pilotfish: there is no command "${name}"\n\n${help()}`);
    return exit.bad;
  }
  if (rest.includes("--help") || rest.includes("-h")) {
    world.out(`${command.usage}\n\n${(await command.helpFor?.(rest)) ?? command.help}\n`);
    return exit.done;
  }
  try {
    return await command.run(rest, world);
  } catch (error) {
    if (error instanceof CallError) {
      world.err(`pilotfish ${name}: ${error.message}\n`);
      return error.code;
    }
    if (!(error instanceof UsageError)) throw error;
    world.err(`pilotfish ${name}: ${error.message}\nusage: ${command.usage}\n`);
    return exit.bad;
  }
}

function help(): string {
  const width = Math.max(...Object.values(commands).map(({ usage }) => usage.length));
  const lines = Object.values(commands).map(({ usage, help: text }) => `  ${usage.padEnd(width)}  ${text.split("\n", 1)[0]}`);
  return `pilotfish ${version}: swims beside a model server and keeps its predictions flowing\n\n${lines.join("\n")}\n\nExit codes: 0 done, 1 failed, 2 bad input or config. "pilotfish COMMAND --help" tells more.\n`;
}

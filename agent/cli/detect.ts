/** `pilotfish detect`: where in a stream of numbers does a detector alarm? */
import type { DetectorChoice, Running, Setting } from "../offline/detectors.ts";
import { InputError } from "../offline/input-error.ts";
import { inputOf, refusing } from "./refuse.ts";
import { parseOptions, UsageError } from "./usage.ts";
import { exit, type World } from "./world.ts";

const intro =
  "Run a detector over a stream of numbers and print where it alarms.\n\nReads one number a line from FILE or standard input and writes the 0-based index of each alarm, a line each, as soon as it\nfires; the detector starts anew after an alarm. --set gives a parameter another value than its default.\n--reference is what normal looked like: a file of `pilotfish reference`, a table, or a text of one number a line.\n--json writes {\"detector\", \"parameters\", \"values\", \"alarms\"} at the end instead.\n\nExamples:\n  pilotfish detect page-hinkley errors.txt\n  pilotfish detect adwin --set delta=0.002 < latencies.txt";

export const detect = {
  usage: "pilotfish detect NAME [FILE] [--set key=value]... [--reference FILE] [--json]",
  help: intro,
  /** The help of all detectors, or of the one that is named. */
  async helpFor(argv: readonly string[]): Promise<string> {
    const { detectors } = await import("../offline/detectors.ts");
    const name = argv.find((word) => Object.hasOwn(detectors, word));
    if (name === undefined) return `${intro}\n\nThe detectors and their parameters:\n\n${Object.entries(detectors).map(([one, choice]) => inShort(one, choice)).join("\n")}`;
    return inFull(name, detectors[name] as DetectorChoice);
  },
  async run(argv: readonly string[], world: World): Promise<number> {
    const { values, positionals } = parseOptions(argv, { set: { type: "string", multiple: true }, reference: { type: "string" }, json: { type: "boolean", default: false } }, 2);
    // Loaded here and not with the daemon, which has no use for it.
    const [{ detectors, settingsOf }, { detect: run }] = await Promise.all([import("../offline/detectors.ts"), import("../offline/detect.ts")]);
    const [name, file] = positionals;
    const names = Object.keys(detectors).join(", ");
    if (name === undefined) throw new UsageError(`name a detector: ${names}`);
    const choice = Object.hasOwn(detectors, name) ? detectors[name] : undefined;
    if (choice === undefined) throw new UsageError(`there is no detector "${name}"; there are ${names}`);
    if (choice.needsReference && values.reference === undefined) throw new UsageError(`${name} needs --reference FILE: what normal looked like`);

    return refusing("detect", world, async () => {
      const settings = settingsOf(name, choice, values.set ?? []);
      const running = await made(choice, settings, values.reference, world.cwd);
      const { name: stream, bytes } = await inputOf(file, world);
      const alarms: number[] = [];
      const count = await run(running, stream, bytes, (index) => {
        if (values.json) alarms.push(index);
        else world.out(`${index}\n`);
      });
      if (values.json) world.out(`${JSON.stringify({ detector: name, parameters: settings, values: count, alarms }, null, 2)}\n`);
      return exit.done;
    });
  },
};

/** A parameter out of its range is told in the words of the detector's own factory. */
async function made(choice: DetectorChoice, settings: Parameters<DetectorChoice["make"]>[0], reference: string | undefined, cwd: string): Promise<Running> {
  try {
    return await choice.make(settings, reference, cwd);
  } catch (error) {
    if (error instanceof RangeError) throw new InputError(error.message);
    throw error;
  }
}

function inShort(name: string, { source, settings }: DetectorChoice): string {
  const set = Object.entries(settings).map(([key, { default: value }]) => `${key}=${String(value)}`);
  return `  ${name.padEnd(21)} ${source}\n  ${"".padEnd(21)} ${set.join(" ")}`;
}

function inFull(name: string, { source, settings, guarantee }: DetectorChoice): string {
  const lines = Object.entries(settings).map(([key, setting]) => `  ${`${key}=${String(setting.default)}`.padEnd(34)} ${setting.help}${choicesOf(setting)}`);
  return `${name}: ${source}\n\nParameters, with their defaults (--set key=value):\n\n${lines.join("\n")}\n\nWhat it promises: ${guarantee()}`;
}

function choicesOf(setting: Setting): string {
  return setting.kind === "choice" ? ` (${setting.choices?.join(", ")})` : "";
}

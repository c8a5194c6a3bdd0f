/** Arguments of a command: strict, so that a mistyped option is not silently ignored. */
import { parseArgs, type ParseArgsConfig } from "node:util";

/** The words of a call are off; the command's usage is printed with it. */
export class UsageError extends Error {}

type Options = NonNullable<ParseArgsConfig["options"]>;

export function parseOptions<const O extends Options>(argv: readonly string[], options: O, positionalsMax: number = 0) {
  try {
    const parsed = parseArgs({ args: [...argv], options, allowPositionals: positionalsMax > 0, strict: true });
    if (parsed.positionals.length > positionalsMax) throw new UsageError(`unexpected argument "${parsed.positionals[positionalsMax]}"`);
    return parsed;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

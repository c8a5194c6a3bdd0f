/** What a command of the command line is. */
import type { World } from "./world.ts";

export interface Command {
  /** Words and options; completion reads them from here and from the help. */
  readonly usage: string;
  readonly help: string;
  /** The words that may come first, where there are some. */
  readonly words?: readonly string[];
  /** More help, where it depends on the other words of the call. */
  helpFor?(argv: readonly string[]): Promise<string>;
  run(argv: readonly string[], world: World): Promise<number>;
}

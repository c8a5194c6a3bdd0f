/** Calls the command line as main.ts does, in this process, and keeps what it said. */
import { Readable } from "node:stream";
import { cli } from "../../agent/cli/cli.ts";
import type { World } from "../../agent/cli/world.ts";

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function call(argv: readonly string[], cwd: string = import.meta.dirname, input: string = "", world: Partial<World> = {}): Promise<Said> {
  let out = "";
  let err = "";
  const code = await cli(argv, {
    env: {},
    cwd,
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    written: () => Promise.resolve(),
    input: () => Readable.from([Buffer.from(input)]),
    interactive: false,
    errInteractive: false,
    columns: 100,
    logFd: 2,
    self: [],
    started: () => {},
    abandon: () => {
      throw new Error("abandoned");
    },
    onSignal: () => {},
    ...world,
  });
  return { code, out, err };
}

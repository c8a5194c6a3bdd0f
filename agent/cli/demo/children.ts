/** The demo's child processes: a real model server and a real Pilotfish, each started, awaited and ended here. */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { wait, type Clock } from "../../clock.ts";

export interface Child {
  readonly name: string;
  /** The last lines it printed, for when something goes wrong. */
  tail(): readonly string[];
  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM"): void;
  /** Ends it: asks, waits, then does not ask. */
  end(): Promise<void>;
}

const tailMax = 40;

export function startChild(name: string, command: readonly string[], clock: Clock, line: (text: string) => void = () => {}): Child {
  const child: ChildProcess = spawn(command[0] as string, command.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
  const tail: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (text) => {
      tail.push(text);
      if (tail.length > tailMax) tail.shift();
      line(text);
    });
  }
  const gone = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", (error) => {
      tail.push(String(error));
      resolve();
    });
  });
  return {
    name,
    tail: () => tail,
    signal: (signal) => void child.kill(signal),
    async end() {
      // A stopped process would not hear SIGTERM.
      child.kill("SIGCONT");
      child.kill("SIGTERM");
      const late = Symbol("late");
      if ((await Promise.race([gone, wait(clock, 5_000).then(() => late)])) === late) {
        child.kill("SIGKILL");
        await gone;
      }
    },
  };
}

/** Asks until the answer is yes; throws what `child` printed last when it takes too long. */
export async function until(clock: Clock, timeoutMs: number, what: string, child: Child | undefined, ask: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = clock.monotonicMs() + timeoutMs;
  while (!(await ask())) {
    if (clock.monotonicMs() > endMs) {
      throw new Error(`${what}: not within ${timeoutMs / 1_000} s${child === undefined ? "" : `; ${child.name} said last:\n  ${child.tail().slice(-15).join("\n  ")}`}`);
    }
    await wait(clock, 20);
  }
}

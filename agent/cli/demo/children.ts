/** The demo's child processes: a real model server and a real Pilotfish, each started, awaited and ended here. */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { wait, type Clock } from "../../clock.ts";

export interface Child {
  readonly name: string;
  /** It has ended, or could not be started. */
  gone(): boolean;
  /** The last lines it printed, for when something goes wrong. */
  tail(): readonly string[];
  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM"): void;
  /** Ends it: asks, waits, then does not ask. */
  end(): Promise<void>;
}

const tailMax = 40;

export function startChild(name: string, command: readonly string[], clock: Clock): Child {
  const child: ChildProcess = spawn(command[0] as string, command.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
  const tail: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (text) => {
      tail.push(text);
      if (tail.length > tailMax) tail.shift();
    });
  }
  let isGone = false;
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", (error) => {
      tail.push(String(error));
      resolve();
    });
  }).then(() => void (isGone = true));
  return {
    name,
    gone: () => isGone,
    tail: () => tail,
    signal: (signal) => void child.kill(signal),
    async end() {
      // A stopped process would not hear SIGTERM.
      child.kill("SIGCONT");
      child.kill("SIGTERM");
      const late = Symbol("late");
      if ((await Promise.race([ended, wait(clock, 5_000).then(() => late)])) === late) {
        child.kill("SIGKILL");
        await ended;
      }
    },
  };
}

/** Asks until the answer is yes; throws what `child` printed last when it has ended, or when it takes too long. */
export async function until(clock: Clock, timeoutMs: number, what: string, child: Child | undefined, ask: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = clock.monotonicMs() + timeoutMs;
  while (!(await ask())) {
    if (child?.gone() === true || clock.monotonicMs() > endMs) {
      throw new Error(`${what}: ${child?.gone() === true ? "it has ended" : `not within ${timeoutMs / 1_000} s`}${child === undefined ? "" : `; ${child.name} said last:\n  ${child.tail().slice(-15).join("\n  ")}`}`);
    }
    await wait(clock, 20);
  }
}

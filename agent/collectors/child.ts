/**
 * One child process that is not trusted to end: its output is bounded, its silence is too, and it has ended only when it is
 * gone. A process stuck in the kernel survives even SIGKILL; then `ended` stays open, and whoever waits for it starts no second.
 */
import type { ChildProcess } from "node:child_process";
import type { Cancel, Clock } from "../clock.ts";

/** Starts a program with no input and its output in pipes. May throw, as node:child_process's `spawn` may. */
export type Spawn = (command: string, args: readonly string[]) => ChildProcess;

export type Ended =
  /** The program could not be started: the system's code, such as ENOENT. */
  | { readonly kind: "missing"; readonly code: string }
  | { readonly kind: "killed" }
  | { readonly kind: "exited"; readonly code: number | null; readonly stderr: string };

export interface Child {
  readonly ended: Promise<Ended>;
  /** It is well: from now on it may be silent for this long before it is killed. */
  expectWithin(silenceMs: number): void;
  kill(): void;
}

export interface ChildOptions {
  readonly firstSilenceMs: number;
  readonly onText: (text: string) => void;
  /** It was silent for too long and has been sent SIGKILL. */
  readonly onSilence: (silenceMs: number) => void;
}

const stderrMax = 1_000;
/** For the last output to be read after the end; a grandchild may hold the pipe for ever. */
const drainMs = 1_000;

export function startChild({ clock, spawn }: { readonly clock: Clock; readonly spawn: Spawn }, command: string, args: readonly string[], options: ChildOptions): Child {
  let running: ChildProcess;
  try {
    running = spawn(command, args);
  } catch (error) {
    return { ended: Promise.resolve({ kind: "missing", code: codeOf(error) }), expectWithin() {}, kill() {} };
  }
  let stderr = "";
  let killed = false;
  let cancelWatch: Cancel = () => {};
  let cancelDrain: Cancel = () => {};
  const kill = () => {
    killed = true;
    running.kill("SIGKILL");
  };
  const expectWithin = (silenceMs: number) => {
    cancelWatch();
    cancelWatch = clock.after(silenceMs, () => {
      kill();
      options.onSilence(silenceMs);
    });
  };

  running.stdout?.setEncoding("utf8").on("data", options.onText);
  running.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text.slice(0, stderrMax - stderr.length);
  });
  const ended = new Promise<Ended>((resolve) => {
    const end = (result: Ended) => {
      cancelWatch();
      cancelDrain();
      running.stdout?.destroy();
      running.stderr?.destroy();
      resolve(result);
    };
    running.on("error", (error) => {
      // Also said of a signal that could not be sent: then the process is there.
      if (running.pid === undefined) end({ kind: "missing", code: codeOf(error) });
    });
    running.once("exit", (code) => {
      cancelWatch();
      const over = () => end(killed ? { kind: "killed" } : { kind: "exited", code, stderr });
      running.once("close", over);
      cancelDrain = clock.after(drainMs, over);
    });
  });
  expectWithin(options.firstSilenceMs);
  return { ended, expectWithin, kill };
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

/**
 * Real processes for the end-to-end tests: started on free ports in a temporary folder, awaited by what they print and
 * answer, and ended by their pid whether the test passes, fails or runs out of time.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export const root = fileURLToPath(new URL("../../", import.meta.url));

/** What a person's shell would hand over: nothing of the test runner's own. */
const env = { PATH: process.env["PATH"] ?? "", HOME: tmpdir(), LANG: "C.UTF-8" };

const patienceMs = 10_000;

const alive = new Set<ChildProcess>();
// The last resort, where hooks do not run: vitest ends its workers by SIGTERM, and a worker that lost vitest is on its own.
process.once("exit", () => alive.forEach((child) => child.kill("SIGKILL")));
process.once("SIGTERM", () => process.exit());
process.once("disconnect", () => process.exit());

export interface Process {
  readonly name: string;
  readonly pid: number;
  /** Everything that it printed so far, line by line. */
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** Its exit code; the signal's name where a signal ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  isRunning(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** Sends the signal and waits for its end; after ten seconds, SIGKILL. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

/** A folder, and what runs for the time of a test. */
export class Stage {
  readonly folder: string;
  readonly #processes: Process[] = [];
  readonly #closers: (() => unknown)[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Stage> {
    return new Stage(await mkdtemp(join(tmpdir(), "pilotfish-e2e-")));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  start(name: string, command: readonly string[]): Process {
    const started = run(name, command);
    this.#processes.push(started);
    return started;
  }

  /** Closes something else at the end, before the processes are ended. */
  later(close: () => unknown): void {
    this.#closers.push(close);
  }

  /**
   * Asks each 20 ms until there is an answer, which is neither undefined nor false. Throws after the time, or when the
   * process that it is asked of has ended, with what all processes said last. An error counts as no answer yet: a server may
   * still be starting.
   */
  async eventually<T>(what: string, timeoutMs: number, ask: () => T | undefined | false | Promise<T | undefined | false>, of?: Process): Promise<T> {
    const endMs = performance.now() + timeoutMs;
    let last: unknown = "no";
    for (;;) {
      try {
        const answer = await ask();
        if (answer !== undefined && answer !== false) return answer;
        last = "no";
      } catch (error) {
        last = error;
      }
      if (of?.isRunning() === false) throw new Error(`never: ${what}, for ${of.name} has ended${this.#tails()}`);
      if (performance.now() > endMs) throw new Error(`not within ${timeoutMs / 1_000} s: ${what}; last answer: ${String(last)}${this.#tails()}`);
      await sleep(20);
    }
  }

  async close(): Promise<void> {
    try {
      for (const close of this.#closers.reverse()) await close();
    } finally {
      await Promise.all(this.#processes.map((one) => one.end("SIGKILL")));
      await rm(this.folder, { recursive: true, force: true });
    }
  }

  #tails(): string {
    return this.#processes.map(({ name, stdout, stderr }) => `\n--- ${name} said last\n${[...stdout.slice(-12), ...stderr.slice(-12)].join("\n")}`).join("");
  }
}

/** A stage that is cleared when the test is over. */
export async function stageForTest(): Promise<Stage> {
  const stage = await Stage.open();
  onTestFinished(() => stage.close());
  return stage;
}

function run(name: string, [file, ...args]: readonly string[]): Process {
  const child = spawn(file as string, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  alive.add(child);
  const stdout: string[] = [];
  const stderr: string[] = [];
  createInterface(child.stdout).on("line", (line) => stdout.push(line));
  createInterface(child.stderr).on("line", (line) => stderr.push(line));
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once("error", (error) => {
      stderr.push(`${file}: ${error.message}`);
      resolve(127);
    });
    // `close` and not `exit`: all that it printed has been read by then.
    child.once("close", (code, signal) => resolve(code ?? signal ?? 127));
  });
  void exited.then(() => alive.delete(child));
  return {
    name,
    pid: child.pid ?? 0,
    stdout,
    stderr,
    exited,
    isRunning: () => alive.has(child),
    signal: (signal) => void child.kill(signal),
    async end(signal) {
      child.kill(signal);
      const patience = new AbortController();
      await Promise.race([exited, sleep(patienceMs, undefined, { signal: patience.signal }).catch(() => {})]);
      patience.abort();
      child.kill("SIGKILL");
      return exited;
    },
  };
}

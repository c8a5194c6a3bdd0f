/**
 * A client under test: a program that is started as `COMMAND URL [--token-file FILE]`, follows the signals there, and prints what
 * it knows as a line of JSON each time that changes: `{"MODEL@ENDPOINT": {status, rung, rev, directives: {action: rev}, drifts:
 * [stream], rollout: {id, phase, weight} | null}}`. A client that does not follow rollouts leaves `rollout` out. A target that it does not list, or lists as `unknown` with nothing else, is unknown to it.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";
import type { View } from "./scripted-publisher.ts";

const patienceMs = 15_000;
const settleMs = 150;
const alive = new Set<ChildProcess>();
process.once("exit", () => alive.forEach((child) => child.kill("SIGKILL")));

export class ClientProgram implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #errors: string[] = [];
  #view: View = {};
  #expected: View | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(command: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const [file, ...args] = command as [string, ...string[]];
    this.#child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    alive.add(this.#child);
    this.#child.once("exit", () => alive.delete(this.#child));
    createInterface({ input: this.#child.stderr as NodeJS.ReadableStream }).on("line", (line) => this.#errors.push(line));
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      this.#view = JSON.parse(line) as View;
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Kept once it shows just this; rejects, with what it shows, if it does not within some seconds. */
  async shows(expected: View): Promise<void> {
    this.#expected = expected;
    const deadline = AbortSignal.timeout(patienceMs);
    while (!shows(this.#view, expected)) {
      if (deadline.aborted || this.#child.exitCode !== null) throw new Error(`the client shows ${brief(this.#view)}, expected ${brief(expected)}\n${this.#errors.join("\n")}`);
      await Promise.race([this.#changed.promise, new Promise((resolve) => setTimeout(resolve, 100))]);
    }
  }

  /** Kept if what it showed last is what it still shows when nothing more is sent. */
  async stays(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    if (this.#expected !== undefined && !shows(this.#view, this.#expected)) throw new Error(`the client showed ${brief(this.#expected)}, and later ${brief(this.#view)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }
}

/** Is it what is expected? Rollouts count for who shows them. */
function shows(view: View, expected: View): boolean {
  const followed = Object.values(view).some(({ rollout }) => rollout !== undefined);
  return isDeepStrictEqual(known(view, followed), known(expected, followed));
}

/** Without the targets of which nothing is known. */
function known(view: View, withRollouts = true): View {
  const those = Object.entries(view).filter(([, { status, directives, drifts, rollout }]) => status !== "unknown" || Object.keys(directives).length + drifts.length > 0 || (withRollouts && (rollout ?? null) !== null));
  return Object.fromEntries(those.map(([key, { rollout, ...rest }]) => [key, withRollouts ? { ...rest, rollout: rollout ?? null } : rest]));
}

function brief(view: View): string {
  const text = JSON.stringify(known(view));
  return text.length > 600 ? `${text.slice(0, 600)}… (${Object.keys(view).length} targets)` : text;
}

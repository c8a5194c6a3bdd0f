/** What a command may touch of the process it runs in; main.ts hands over the real one, tests their own. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** To standard output, as it is. */
  readonly out: (text: string) => void;
  /** Resolves once standard output has taken all that was written: for a command that writes without end. */
  readonly written: () => Promise<void>;
  /** To standard error, as it is. */
  readonly err: (text: string) => void;
  /** Standard input. Asked for only by a command that reads it, since asking begins to read. */
  readonly input: () => AsyncIterable<Uint8Array>;
  /** Is somebody watching, so that a line may be redrawn and coloured? */
  readonly interactive: boolean;
  /** The same of standard error, where progress is shown while results go to a file. */
  readonly errInteractive: boolean;
  /** Width of the terminal in columns. */
  readonly columns: number;
  /** Of the terminal as it is now; absent where there is none. */
  readonly size?: () => { readonly columns: number; readonly rows: number };
  /** The terminal has another size; what it returns ends the listening. */
  readonly onResize?: (run: () => void) => () => void;
  /** Where the log goes: a file descriptor. */
  readonly logFd: number;
  /** How this program was started, to start it once more: executable and arguments before the command's own. */
  readonly self: readonly string[];
  /** The daemon is up: from now on memory is taken as the traffic needs it. */
  started(): void;
  /** Ends the process where it stands: for when a thread is stuck and an orderly end would wait for it. */
  abandon(): never;
  onSignal(signal: "SIGINT" | "SIGTERM" | "SIGHUP", run: () => void): void;
}

/** Exit codes: done, failed, bad input or config. */
export const exit = { done: 0, failed: 1, bad: 2 } as const;

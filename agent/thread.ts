/**
 * A thread of ours, from the side that opens it: what is posted, what it says, and why it is no more, told once. Whose thread it
 * is, and what is done about its end, is the opener's.
 */
import { Worker, type ResourceLimits } from "node:worker_threads";

/** The thread as this side sees it. */
export interface Thread<Message> {
  post(message: Message, transfer?: readonly ArrayBuffer[]): void;
  terminate(): void;
}

export interface ThreadOptions {
  /** For people who look at the process. */
  readonly name: string;
  /** Plain data that the thread begins with. */
  readonly workerData: unknown;
  readonly resourceLimits?: ResourceLimits;
}

/** What the other side says, and that it has ended. */
export interface ThreadEars<Said> {
  readonly message: (message: Said) => void;
  readonly gone: (why: string) => void;
}

/** The file that a thread runs, beside the one that opens it: as it is from the sources, by its bundled name from the bundle. */
export function threadFile(name: string, openedFrom: string): URL {
  return new URL(`./${name}.${openedFrom.endsWith(".ts") ? "ts" : "mjs"}`, openedFrom);
}

export function openThread<Message, Said>(file: URL, { name, workerData, resourceLimits }: ThreadOptions, { message, gone }: ThreadEars<Said>): Thread<Message> {
  const worker = new Worker(file, { name, workerData, ...(resourceLimits && { resourceLimits }) });
  let why = "it ended by itself";
  worker.on("message", message);
  worker.on("error", (error) => (why = error instanceof Error ? (error.stack ?? error.message) : String(error)));
  worker.on("exit", () => gone(why));
  return {
    post: (sent, transfer = []) => worker.postMessage(sent, transfer),
    terminate: () => void worker.terminate(),
  };
}

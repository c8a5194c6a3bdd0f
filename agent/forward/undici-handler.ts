/** Tells an attempt what undici tells: the one place that knows its handler interface. Undici's own time limits are off. */
import { STATUS_CODES } from "node:http";
import type { Dispatcher } from "undici";
import { statusWords } from "./answer-head.ts";
import type { Attempt } from "./attempt.ts";
import { classify } from "./classify.ts";

type Controller = Dispatcher.DispatchController;

export class UndiciHandler implements Dispatcher.DispatchHandler {
  readonly #attempt: Attempt;

  constructor(attempt: Attempt) {
    this.#attempt = attempt;
  }

  onRequestStart(controller: Controller): void {
    // Given up while it waited for a connection: to throw here gives the connection back unharmed, to abort would break it.
    if (!this.#attempt.onSend(controller)) throw new Error("given up before it was sent");
  }

  onResponseStart(controller: Controller, status: number, _headers: unknown, statusText?: string): void {
    if (status === 101) return controller.abort(new Error("bad upgrade"));
    if (status < 100) return controller.abort(new Error("bad response"));
    if (status < 200) return;
    const headers = fieldsOf(controller.rawHeaders);
    this.#attempt.onHead({ status, statusText: wordsOf(status, statusText ?? ""), headers, length: contentLength(headers) });
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    this.#attempt.onData(chunk);
  }

  onResponseEnd(controller: Controller): void {
    this.#attempt.onEnd(fieldsOf(controller.rawTrailers));
  }

  onResponseError(_controller: Controller | null, error: Error): void {
    this.#attempt.onFailure(classify(error, this.#attempt.sent));
  }
}

/** Of words that came in two pieces undici 8 knows the second only. */
function wordsOf(status: number, words: string): string {
  return STATUS_CODES[status]?.endsWith(words) === true ? "" : statusWords(words);
}

function fieldsOf(raw: unknown): string[] {
  return ((raw ?? []) as readonly Buffer[]).map((field) => field.toString("latin1"));
}

function contentLength(headers: readonly string[]): number | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    if ((headers[i] as string).toLowerCase() === "content-length") return Number(headers[i + 1]);
  }
  return undefined;
}

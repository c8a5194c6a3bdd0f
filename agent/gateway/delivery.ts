/**
 * A server's answer on its way to the client, its body untouched. What of the primary's was held whole on both sides is remembered
 * for rungs that give it again, and rungs are tried with copies of some of it. A stream of events that breaks says so in the protocol's
 * own form; any other answer is broken off with its connection, since the client has had a part of it.
 */
import type { Outcome } from "../backend.ts";
import type { Head } from "../forward/attempt.ts";
import type { Failure } from "../forward/classify.ts";
import { endToEnd, provenanceNames } from "./headers.ts";
import type { Inquiry } from "./inquiry.ts";
import type { ServerAnswer } from "./primary.ts";
import type { AnswerHead } from "./reply.ts";
import { isEventStream } from "./stream.ts";

const noFields: readonly string[] = [];
const bodyless: ReadonlySet<number> = new Set([204, 304]);

/** `Trailer` announces what only a chunked body can have behind it. */
const withheld = {
  other: { chunked: undefined, whole: new Set(["trailer"]) },
  inference: { chunked: provenanceNames, whole: new Set([...provenanceNames, "trailer"]) },
} as const;

/** The answer's head as the client is to get it. */
export function headOf({ target }: Inquiry, { head: { status, statusText, length, lines, headers } }: ServerAnswer): AnswerHead {
  const fields = lines === undefined ? endToEnd(headers, withheld[target === undefined ? "other" : "inference"][length === undefined && !bodyless.has(status) ? "chunked" : "whole"]) : noFields;
  return { status, statusText, fields, lines, length };
}

/** Sends what follows the head; says how that ended. `kept`: it is the primary's, and good enough to be given again. */
export async function deliver(inquiry: Inquiry, { attempt, flight, head, whole, outcome }: ServerAnswer, version: string | undefined, kept: boolean): Promise<Outcome> {
  const { reply, timeoutMs } = inquiry;
  const { work, deps, options } = inquiry.room;
  if (whole) {
    await reply.end(attempt.held);
    if (outcome === "ok" && kept) remember(inquiry, attempt.held, head, version);
  } else {
    const memory = kept && (deps.remember !== undefined || inquiry.offered) ? new Memory(options.holdMax) : undefined;
    reply.onDrain(() => attempt.resume());
    const failure = await attempt.pipe((chunk) => {
      if (flight !== undefined) work.progress(flight, chunk);
      memory?.take(chunk);
      return reply.write(chunk);
    }, timeoutMs);
    if (failure !== undefined) {
      await breakOff(inquiry, head, failure);
      return failure.outcome;
    }
    await reply.end([], attempt.trailers);
    if (outcome === "ok" && memory?.chunks !== undefined) remember(inquiry, memory.chunks, head, version);
  }
  return reply.delivered ? outcome : "cancelled";
}

/** The client has its answer by now. */
function remember(inquiry: Inquiry, body: readonly Buffer[], head: Head, version: string | undefined): void {
  const { target, upload, inferenceId, offered } = inquiry;
  const { remember: keep, qualify, clock } = inquiry.room.deps;
  if ((keep === undefined && !offered) || target === undefined || !upload.replayable) return;
  const { status, headers } = head;
  const fields: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) fields[(headers[i] as string).toLowerCase()] = headers[i + 1] as string;
  const question = inquiry.question();
  const answer = { status, headers: fields, body: Buffer.concat(body), version };
  if (offered) qualify?.offer(inferenceId, question, answer, clock.wallMs());
  keep?.(question, answer);
}

async function breakOff({ reply, target, room }: Inquiry, head: Head, { outcome }: Failure): Promise<void> {
  const last = isEventStream(head) && target !== undefined && outcome !== "cancelled" ? room.deps.protocol.streamError(`the answer broke off: ${outcome}`) : undefined;
  if (last === undefined) reply.break();
  else await reply.end([last]);
}

/** The chunks of an answer that is passed on as it comes, as long as they are few. */
class Memory {
  chunks: Buffer[] | undefined = [];
  #left: number;

  constructor(bytesMax: number) {
    this.#left = bytesMax;
  }

  take(chunk: Buffer): void {
    this.#left -= chunk.length;
    if (this.#left < 0) this.chunks = undefined;
    else this.chunks?.push(chunk);
  }
}

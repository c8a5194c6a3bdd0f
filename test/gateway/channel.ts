/**
 * Workers on the test's own thread: the same code on both sides, and between them what a message port does: copies, transfers,
 * and delivers later and in order. A test holds messages back, and ends a worker as a crash would.
 */
import type { Clock } from "../../agent/clock.ts";
import type { OpenThread } from "../../agent/gateway/crew.ts";
import { openWorker } from "../../agent/gateway/worker.ts";
import type { FromWorker, ToWorker } from "../../agent/gateway/worker-messages.ts";

export interface InMemoryWorker {
  readonly slot: number;
  /** All that it has posted. */
  readonly said: readonly FromWorker[];
  /** As long as this is so, what it posts waits. */
  held: boolean;
  /** Nothing more of it arrives, and it hears nothing more. */
  crash(): void;
  /** As if its loop turned no more: it hears nothing, and its clock stands still. */
  hang(): void;
}

export function channel(clock: Clock): { readonly openThread: OpenThread; readonly workers: InMemoryWorker[] } {
  const workers: InMemoryWorker[] = [];
  const openThread: OpenThread = (data, { message, gone }) => {
    let alive = true;
    let hung = false;
    const waiting: FromWorker[] = [];
    const said: FromWorker[] = [];
    const deliver = (): void => {
      while (alive && !me.held && waiting.length > 0) message(waiting.shift() as FromWorker);
    };
    const mine: Clock = {
      monotonicMs: () => clock.monotonicMs(),
      wallMs: () => clock.wallMs(),
      random: () => clock.random(),
      after: (delayMs, run) => clock.after(delayMs, () => alive && !hung && run()),
      every: (periodMs, run) => clock.every(periodMs, () => alive && !hung && run()),
    };
    const worker = openWorker(data, {
      clock: mine,
      post(sent, transfer = []) {
        if (!alive) return;
        const copy = structuredClone(sent, { transfer: [...transfer] });
        said.push(copy);
        waiting.push(copy);
        queueMicrotask(deliver);
      },
    });
    const me: InMemoryWorker = {
      slot: data.slot,
      said,
      held: false,
      crash() {
        alive = false;
        gone("the test ended it");
      },
      hang() {
        hung = true;
      },
    };
    workers.push(me);
    return {
      post(sent, transfer = []) {
        const copy = structuredClone(sent, { transfer: [...transfer] }) as ToWorker;
        queueMicrotask(() => alive && !hung && worker.hear(copy));
      },
      terminate() {
        alive = false;
      },
    };
  };
  return { openThread, workers };
}

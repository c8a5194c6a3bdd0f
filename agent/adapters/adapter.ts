/**
 * An adapter names the families in which one kind of model server tells of its work: what is in flight, and the counters
 * that move when something comes of it. It is data; how a page is read with it stands here, what servers there are in
 * adapters.ts.
 *
 * Families are looked up by their exact sample names: a prefix would also find the `_created` time beside each counter of
 * Python's client library, which never moves. All names that are there are added up, so the old and the new name of a figure
 * stand side by side; twice the count is as good as once for what is asked here, which is "any?" and "did it move?".
 */

import type { Sample } from "./prometheus-text.ts";

export interface Adapter {
  /** Where the page is, on the server's host; without a port at the port of the server itself. */
  readonly place: { readonly port?: number; readonly path: string };
  /** Gauges of requests that are being worked on. */
  readonly running: readonly string[];
  /** Gauges of requests that wait for their turn. */
  readonly waiting: readonly string[];
  /** Counters that move only when the model has done something, never because a client gave up. */
  readonly progress: readonly string[];
  /**
   * What moves the counters: `steps` of the model, many for each answer, so that a long answer shows; or whole `answers`
   * only, which says no more than the gateway knows.
   */
  readonly movesBy: "steps" | "answers";
  /** The label with the model's name, where families are split by it. */
  readonly modelLabel?: string;
  /** So long the counters may stand still while it works, where they are written now and then only. */
  readonly countersLagMs?: number;
  /** So long the gauges may still show work after the last of it is done. */
  readonly gaugesLagMs?: number;
  /** Leaves out samples that say nothing of inference. */
  readonly counts?: (sample: Sample) => boolean;
}

export interface Figures {
  /** Undefined where the server does not say. */
  readonly running: number | undefined;
  readonly waiting: number | undefined;
  /** 0 where the page has the server's gauges and no counter yet: Python's client shows a counter from its first count. */
  readonly progress: number;
}

/**
 * Undefined where the page has none of the adapter's families. Where the model's name is known and any sample bears it,
 * samples of other models are left out: a neighbour that moves acquits nobody. Cost: one walk over the samples.
 */
export function figuresBy({ running, waiting, progress, modelLabel, counts }: Adapter, samples: readonly Sample[], model: string | undefined): Figures | undefined {
  const wanted = new Set([...running, ...waiting, ...progress]);
  const ours = samples.filter((sample) => wanted.has(sample.name) && Number.isFinite(sample.value) && counts?.(sample) !== false);
  if (ours.length === 0) return undefined;
  const named = modelLabel !== undefined && model !== undefined && ours.some(({ labels }) => labels[modelLabel] === model);
  const watched = named ? ours.filter(({ labels }) => labels[modelLabel] === undefined || labels[modelLabel] === model) : ours;
  const sum = (names: readonly string[]) => {
    const found = watched.filter(({ name }) => names.includes(name));
    return found.length === 0 ? undefined : found.reduce((total, { value }) => total + value, 0);
  };
  return { running: sum(running), waiting: sum(waiting), progress: sum(progress) ?? 0 };
}

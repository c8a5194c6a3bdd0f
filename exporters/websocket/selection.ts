/** What a reader asked to hear: topics, and filters by model and by target. */
import { topics, type Topic } from "../frames.ts";
import { targetKey } from "../signal.ts";
import type { Wants } from "./publication.ts";

export interface Selection {
  readonly topics?: readonly string[] | undefined;
  readonly models?: readonly string[] | undefined;
  /** As `model@endpoint`. */
  readonly targets?: readonly string[] | undefined;
}

/** undefined: everything. */
export function wantsOf(selection: Selection): Wants | undefined {
  const [wanted, models, targets] = [selection.topics, selection.models, selection.targets].map((list) => list && new Set(list));
  if (wanted === undefined && models === undefined && targets === undefined) return undefined;
  return (topic, target) => wanted?.has(topic) !== false && models?.has(target.model) !== false && targets?.has(targetKey(target)) !== false;
}

export function unknownTopics(asked: readonly string[] = []): readonly string[] {
  return asked.filter((topic) => !topics.includes(topic as Topic));
}

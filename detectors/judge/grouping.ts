/**
 * Events that are not independent of each other are judged as one. A user who is stuck on one side and fails fifty times, or
 * a second in which fifty requests fail at once, is one piece of bad luck; counted as fifty it makes a healthy candidate look
 * broken (test: "a bursty null breaks the promise without batches and holds with them").
 *
 * - `each`: requests are independent of each other and so judged.
 * - `key`: by the user's key. Keys are dealt to sides at random and stay there, so of each key the first event counts, and
 *   there the promise is exact. Keys are known again by a table of fixed size, each in the one place its hash gives it: a key
 *   counts once more after another took its place, which is after about as many other keys as there are places.
 * - `second`: whatever shares a second, or another number that only grows, counts as one event, divided between the sides as
 *   its events were. A second is judged when the next one begins, so a verdict comes up to a second later. The promise is
 *   that of shares: that in a second with events the candidate's expected share of them is no greater than its share of the
 *   traffic. Bursts that last longer than a second want a longer one.
 */
export const groupings = ["each", "key", "second"] as const;
export type Grouping = (typeof groupings)[number];

export interface Groups {
  /** Hashes of keys by place, 0 where none is; empty unless grouped by key. */
  readonly keys: Uint32Array;
  /** The latest group; undefined before the first. */
  latest: number | undefined;
}

/** 32 kB. */
export const keysHeld = 8_192;

export function noGroups(grouping: Grouping): Groups {
  return { keys: new Uint32Array(grouping === "key" ? keysHeld : 0), latest: undefined };
}

/** Whether the event is the first of its group, which is noted. @throws RangeError where a group is asked for and none is given. */
export function isFirst(groups: Groups, grouping: Grouping, group: number | undefined): boolean {
  if (grouping === "each") return true;
  const known = checkGroup(grouping, group);
  if (grouping === "key") {
    const hash = known >>> 0 || 1;
    const place = hash % keysHeld;
    if (groups.keys[place] === hash) return false;
    groups.keys[place] = hash;
    return true;
  }
  if (groups.latest !== undefined && known <= groups.latest) return false;
  groups.latest = known;
  return true;
}

export function checkGroup(grouping: Grouping, group: number | undefined): number {
  if (group === undefined || !Number.isSafeInteger(group)) throw new RangeError(`grouping: by ${grouping} every event needs a group, a whole number, got ${group}`);
  return group;
}

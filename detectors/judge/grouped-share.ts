/**
 * The share of what is counted (errors, slow answers) that is the candidate's (share-evidence.ts), where what belongs
 * together is judged as one (grouping.ts).
 */
import type { Dealt, Seen } from "./comparison.ts";
import { checkGroup, isFirst, noGroups, type Grouping, type Groups } from "./grouping.ts";
import { shareEvidence, type ShareState } from "./share-evidence.ts";

export interface GroupedShareState {
  share: ShareState;
  readonly groups: Groups;
  /** The second that is not over yet. */
  readonly open: { group: number | undefined; weight: number; candidate: number; primary: number };
  events: number;
  effective: number;
}

export interface DealtHit extends Dealt {
  /** It is one of those that are counted, or the part of it that is, 0 to 1; the others only turn the seconds. */
  readonly hit: boolean | number;
}

export interface GroupedShare {
  readonly guarantee: string;
  start(): GroupedShareState;
  /** Consumes `state`. @throws RangeError for a weight outside 0 to 1, and where a group is asked for and none is given. */
  step(state: GroupedShareState, event: DealtHit): GroupedShareState;
  logEvidence(state: GroupedShareState): number;
  seen(state: GroupedShareState): Seen;
}

/** Cost: O(1) an event; 0.2 kB, by key 32 kB more. */
export function groupedShare({ ratio = 1, grouping = "each" }: { readonly ratio?: number; readonly grouping?: Grouping }): GroupedShare {
  const evidence = shareEvidence({ ratio });

  function count(state: GroupedShareState, share: number, weight: number, size = 1): void {
    state.share = evidence.step(state.share, share, weight, size);
    state.effective += 1;
  }

  /** Judges the second that is over, and opens another. */
  function turn(state: GroupedShareState, group: number, weight: number): void {
    const { open } = state;
    const events = open.candidate + open.primary;
    if (events > 0) count(state, open.candidate / events, open.weight);
    open.group = group;
    open.weight = weight;
    open.candidate = 0;
    open.primary = 0;
  }

  return {
    guarantee: evidence.guarantee,

    start: () => ({ share: evidence.start(), groups: noGroups(grouping), open: { group: undefined, weight: 0, candidate: 0, primary: 0 }, events: 0, effective: 0 }),

    step(state, { candidate, weight, group, hit }) {
      if (!(weight >= 0 && weight <= 1)) throw new RangeError(`groupedShare: weight must be 0 to 1, got ${weight}`);
      const size = Number(hit);
      if (!(size >= 0 && size <= 1)) throw new RangeError(`groupedShare: a hit must be 0 to 1, got ${size}`);
      if (size > 0) state.events += 1;
      if (grouping === "second") {
        const second = checkGroup(grouping, group);
        const { open } = state;
        // An event that comes late joins the second that is open: what is over is judged.
        if (open.group === undefined || second > open.group) turn(state, second, weight);
        else if (weight !== open.weight) turn(state, open.group, weight);
        open[candidate ? "candidate" : "primary"] += size;
      } else if (size > 0 && isFirst(state.groups, grouping, group)) count(state, candidate ? 1 : 0, weight, size);
      return state;
    },

    logEvidence: (state) => evidence.logEvidence(state.share),
    seen: ({ events, effective }) => ({ events, effective }),
  };
}

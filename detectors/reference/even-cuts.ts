/**
 * Where to cut a row of counted items into at most so many groups of about equal weight, without ever parting an item.
 *
 * Fixed quantiles of discrete data fall on the same value again and again; here each group takes its even share of what
 * is still left, so the groups that a heavy item would have used up go to the others.
 */

/**
 * Indices of the items after which to cut, ascending, the last item never among them. A group is closed as soon as it
 * holds its share, or with half of it before an item that fills a group alone. Cost: one pass.
 */
export function evenCuts(counts: ArrayLike<number>, groups: number): number[] {
  let left = 0;
  for (let i = 0; i < counts.length; i += 1) left += counts[i] as number;

  const cuts: number[] = [];
  let held = 0;
  const cutAfter = (item: number): void => {
    cuts.push(item);
    left -= held;
    held = 0;
  };
  for (let i = 0; i < counts.length - 1 && cuts.length < groups - 1; i += 1) {
    const count = counts[i] as number;
    const share = left / (groups - cuts.length);
    if (held >= share / 2 && held > 0 && count >= share) cutAfter(i - 1);
    held += count;
    if (cuts.length < groups - 1 && held >= left / (groups - cuts.length)) cutAfter(i);
  }
  return cuts;
}

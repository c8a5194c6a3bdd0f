/**
 * Gradient-boosted regression trees for squared loss, small enough to travel in a reference file.
 *
 * Features are cut into at most 64 bins once; a tree grows best leaf first by histograms over the bins, and each takes back
 * a tenth of what the trees before it left unexplained. How many trees: as many as served best on rows held out, by
 * cross-fitting, which also yields for every row a prediction by trees that have not seen it. A missing value (NaN) is a bin
 * of its own, below all others. No chance but the deal into parts, which has a fixed seed: the same rows give the same trees.
 *
 * Sources: J. Friedman, Greedy Function Approximation, 2001; G. Ke et al., LightGBM, 2017 (histograms, best leaf first).
 * Cost: O(rows x features) for each level of each tree; reading a row is a walk down each tree.
 */
import { binsMax, type BinnedRows } from "./feature-bins.ts";
import { advance, uniform } from "../random.ts";

/** Nodes in the order they were made. A leaf has `feature` -1 and a `value`; of others, rows at or below bin `cut` go to `left`. */
export interface Tree {
  readonly feature: readonly number[];
  readonly cut: readonly number[];
  readonly left: readonly number[];
  /** The node after `left` is the right one. */
  readonly value: readonly number[];
}

export interface BoostedTrees {
  readonly base: number;
  readonly trees: readonly Tree[];
}

const leavesMax = 16;
const leafRowsMin = 20;
const treesMax = 150;
const patience = 15;
const shrinkage = 0.1;
const parts = 4;
const seed = 20_010_529;

export interface CrossFitted {
  readonly model: BoostedTrees;
  /** What trees that have not seen the row say of it. */
  readonly unseen: Float64Array;
}

/** @param targets finite, as many as rows, of which there are two or more. */
export function boostedTrees(rows: BinnedRows, targets: ArrayLike<number>): CrossFitted {
  let chance = seed;
  const part = Uint8Array.from({ length: rows.rows }, () => {
    chance = advance(chance);
    return Math.floor(uniform(chance) * parts);
  });

  const folds = Array.from({ length: parts }, (_, held) => {
    const [learnt, heldOut] = divide(rows.rows, (row) => part[row] !== held);
    return fit(rows, targets, learnt, treesMax, heldOut);
  });
  // The same number of trees for all; what a part stopped short of is worth what its last tree was.
  const lost = Array.from({ length: treesMax + 1 }, (_, count) =>
    folds.reduce((total, fold) => total + (fold.losses[Math.min(count, fold.losses.length - 1)] as number), 0),
  );
  const count = lost.indexOf(Math.min(...lost));

  const unseen = new Float64Array(rows.rows);
  for (const [held, { model }] of folds.entries()) {
    const kept = { base: model.base, trees: model.trees.slice(0, count) };
    for (let row = 0; row < rows.rows; row += 1) if (part[row] === held) unseen[row] = treesAt(kept, rows, row);
  }
  const [all, none] = divide(rows.rows, () => true);
  return { model: fit(rows, targets, all, count, none).model, unseen };
}

/** What the trees say of a row. */
export function treesAt({ base, trees }: BoostedTrees, { bins }: BinnedRows, row: number): number {
  let sum = base;
  for (const tree of trees) sum += tree.value[leafOf(tree, bins, row)] as number;
  return sum;
}

function leafOf(tree: Tree, bins: readonly Uint8Array[], row: number): number {
  let node = 0;
  for (let feature = tree.feature[0] as number; feature >= 0; feature = tree.feature[node] as number) {
    const goesLeft = ((bins[feature] as Uint8Array)[row] as number) <= (tree.cut[node] as number);
    node = (tree.left[node] as number) + (goesLeft ? 0 : 1);
  }
  return node;
}

function divide(rows: number, isFirst: (row: number) => boolean): [Uint32Array, Uint32Array] {
  const first = new Uint32Array(rows);
  const second = new Uint32Array(rows);
  let [a, b] = [0, 0];
  for (let row = 0; row < rows; row += 1) {
    if (isFirst(row)) first[a++] = row;
    else second[b++] = row;
  }
  return [first.subarray(0, a), second.subarray(0, b)];
}

/** Boosts on the rows learnt until there are `count` trees, or none of late has served the held-out rows. */
function fit(rows: BinnedRows, targets: ArrayLike<number>, learnt: Uint32Array, count: number, heldOut: Uint32Array) {
  let base = 0;
  for (const [i, row] of learnt.entries()) base += ((targets[row] as number) - base) / (i + 1);
  const left = Float64Array.from(targets, (target) => target - base);
  const trees: Tree[] = [];
  /** Squared error on held-out rows after so many trees. */
  const losses = [lossOn(heldOut, left)];
  let best = 0;
  while (trees.length < count && trees.length - best < patience) {
    const tree = growTree(rows, left, learnt.slice());
    if (tree === undefined) break;
    trees.push(tree);
    for (let row = 0; row < left.length; row += 1) left[row]! -= tree.value[leafOf(tree, rows.bins, row)] as number;
    losses.push(lossOn(heldOut, left));
    if (heldOut.length === 0 || (losses.at(-1) as number) < (losses[best] as number)) best = trees.length;
  }
  return { model: { base, trees }, losses };
}

function lossOn(rows: Uint32Array, left: Float64Array): number {
  let total = 0;
  for (const row of rows) total += (left[row] as number) ** 2;
  return total;
}

interface Leaf {
  readonly node: number;
  /** Its rows are those of the list from `first` up to and without `last`. */
  readonly first: number;
  readonly last: number;
  readonly sum: number;
  readonly split: Split | undefined;
}

interface Split {
  readonly feature: number;
  readonly cut: number;
  readonly gain: number;
}

/** Undefined where no split explains anything. `members` is put into the order of the leaves. */
function growTree(rows: BinnedRows, left: Float64Array, members: Uint32Array): Tree | undefined {
  const feature = [-1];
  const cut = [0];
  const children = [0];
  const value = [0];
  const leafAt = (node: number, first: number, last: number): Leaf => {
    let sum = 0;
    for (let i = first; i < last; i += 1) sum += left[members[i] as number] as number;
    value[node] = short((shrinkage * sum) / (last - first));
    return { node, first, last, sum, split: bestSplit(rows, left, members, first, last, sum) };
  };

  const leaves = [leafAt(0, 0, members.length)];
  while (leaves.length < leavesMax) {
    const at = leaves.reduce((best, leaf, i) => (gainOf(leaf) > gainOf(leaves[best]) ? i : best), 0);
    const leaf = leaves[at] as Leaf;
    if (leaf.split === undefined) break;
    const middle = partition(rows.bins[leaf.split.feature] as Uint8Array, leaf.split.cut, members, leaf.first, leaf.last);
    const child = feature.length;
    feature[leaf.node] = leaf.split.feature;
    cut[leaf.node] = leaf.split.cut;
    children[leaf.node] = child;
    value[leaf.node] = 0;
    feature.push(-1, -1);
    cut.push(0, 0);
    children.push(0, 0);
    value.push(0, 0);
    leaves.splice(at, 1, leafAt(child, leaf.first, middle), leafAt(child + 1, middle, leaf.last));
  }
  return leaves.length === 1 ? undefined : { feature, cut, left: children, value };
}

function gainOf(leaf: Leaf | undefined): number {
  return leaf?.split?.gain ?? 0;
}

function short(value: number): number {
  return Number(value.toPrecision(7)) + 0;
}

const sums = new Float64Array(binsMax);
const counts = new Float64Array(binsMax);

/** The cut that takes most squared error away and leaves enough rows on both sides. */
function bestSplit(rows: BinnedRows, left: Float64Array, members: Uint32Array, first: number, last: number, sum: number): Split | undefined {
  const size = last - first;
  if (size < 2 * leafRowsMin) return undefined;
  const whole = (sum * sum) / size;
  let best: Split | undefined;
  for (const [feature, bins] of rows.bins.entries()) {
    sums.fill(0);
    counts.fill(0);
    for (let i = first; i < last; i += 1) {
      const row = members[i] as number;
      const bin = bins[row] as number;
      sums[bin]! += left[row] as number;
      counts[bin]! += 1;
    }
    let below = 0;
    let sumBelow = 0;
    for (let cut = 0; cut < binsMax - 1; cut += 1) {
      const count = counts[cut] as number;
      if (count === 0) continue;
      below += count;
      sumBelow += sums[cut] as number;
      if (below < leafRowsMin) continue;
      if (size - below < leafRowsMin) break;
      const gain = (sumBelow * sumBelow) / below + ((sum - sumBelow) * (sum - sumBelow)) / (size - below) - whole;
      if (gain > (best?.gain ?? 1e-12 * Math.abs(whole))) best = { feature, cut, gain };
    }
  }
  return best;
}

/** Rows at or below the cut first; where the others begin. */
function partition(bins: Uint8Array, cut: number, members: Uint32Array, first: number, last: number): number {
  let low = first;
  let high = last - 1;
  for (;;) {
    while (low <= high && (bins[members[low] as number] as number) <= cut) low += 1;
    while (low <= high && (bins[members[high] as number] as number) > cut) high -= 1;
    if (low >= high) return low;
    const row = members[low] as number;
    members[low] = members[high] as number;
    members[high] = row;
  }
}

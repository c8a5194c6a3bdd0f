/**
 * To which version a key goes: weighted rendezvous. Each version draws a number for the key, -w / ln h with h the key's hash
 * with the version's name, between 0 and 1, and the greatest wins: a version wins with probability w over the sum of the weights.
 * When its weight grows its numbers all grow, so it wins keys and loses none: who was on the candidate stays there. By
 * contrast w * h, which is often seen, gives a weight of 10 % beside 90 % one key in eighteen.
 *
 * Pure. The hash is handed in, because the gateway has one (hash32 of agent/gateway/identity.ts), by which ids are sampled.
 * Source: J. Schindelhauer and G. Schomaker, Weighted distributed hash tables, SPAA 2005.
 */

export interface Weighed {
  readonly version: string;
  /** 0 or more, in any unit. */
  readonly weight: number;
}

/** 32 bits, well mixed, of a text. */
export type Hash32 = (text: string) => number;

/**
 * The version that serves this key.
 *
 * @param rollout a name or count of the rollout: with another one the keys are dealt anew, so that not the same users are
 * tried out each time.
 * @throws RangeError for a weight below 0 or not finite, and where no weight is above 0. Cost: a hash a version.
 */
export function versionOf(key: string, versions: readonly Weighed[], rollout: string, hash: Hash32): string {
  let best = -1;
  let winner: string | undefined;
  for (const { version, weight } of versions) {
    if (!(weight >= 0 && weight < Infinity)) throw new RangeError(`versionOf: weights must be 0 or more, got ${weight} for ${version}`);
    if (weight === 0) continue;
    const draw = drawn(weight, hash(`${rollout}\n${version}\n${key}`));
    if (draw <= best) continue;
    best = draw;
    winner = version;
  }
  if (winner === undefined) throw new RangeError("versionOf: no version has a weight above 0");
  return winner;
}

/**
 * Does the key go to the candidate? The same as `versionOf` says of the primary with `1 - weight` and the candidate with
 * `weight`, without a list of versions for each request. Cost: two hashes, two logarithms.
 *
 * @param weight the candidate's share, 0 to 1.
 */
export function isDealtToCandidate(key: string, weight: number, rollout: string, hash: Hash32): boolean {
  if (weight <= 0 || weight >= 1) return weight >= 1;
  return drawn(weight, hash(`${rollout}\ncandidate\n${key}`)) > drawn(1 - weight, hash(`${rollout}\nprimary\n${key}`));
}

/** The number that a version of this weight draws for a hash. */
function drawn(weight: number, hash: number): number {
  return -weight / Math.log((hash + 0.5) / 2 ** 32);
}

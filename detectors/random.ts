/**
 * A repeatable source of chance, for breaking ties and for dealing rows into halves. Its whole state is one 32-bit
 * integer, so that it can be stored with the state of the detector that uses it.
 *
 * A Weyl sequence, mixed: G. Steele, D. Lea and C. Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014,
 * in 32 bits with the finaliser of MurmurHash3. Period 2^32. Not for secrets.
 */

/** The state that follows. */
export function advance(state: number): number {
  return (state + 0x9e37_79b9) | 0;
}

/** The number that a state stands for, in [0, 1). */
export function uniform(state: number): number {
  let bits = Math.imul(state ^ (state >>> 16), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
}

/**
 * The Mersenne Twister MT19937, and Python's way to draw from it: for a detector whose published answers hang on both.
 * Everything else takes ../random.ts, whose state is one number instead of 625.
 *
 * Source: M. Matsumoto and T. Nishimura, Mersenne Twister, ACM Transactions on Modeling and Computer Simulation 8 (1998),
 * with their initialisation by an array of 2002.
 */
const size = 624;
const middle = 397;

export interface Twister {
  readonly words: Uint32Array;
  /** Of the next word; `size` where all are used up. */
  place: number;
}

/** As Python's `random.Random(seed)`, for a whole seed from 0 to 2^53. */
export function startTwister(seed: number): Twister {
  const key = seed < 2 ** 32 ? [seed] : [seed >>> 0, Math.floor(seed / 2 ** 32)];
  const words = new Uint32Array(size);
  words[0] = 19_650_218;
  for (let i = 1; i < size; i += 1) words[i] = Math.imul(1_812_433_253, carried(words, i - 1)) + i;

  let i = 1;
  const next = () => {
    i += 1;
    if (i < size) return;
    words[0] = words[size - 1] as number;
    i = 1;
  };
  for (let k = 0; k < size; k += 1) {
    const j = k % key.length;
    words[i] = ((words[i] as number) ^ Math.imul(carried(words, i - 1), 1_664_525)) + (key[j] as number) + j;
    next();
  }
  for (let k = 1; k < size; k += 1) {
    words[i] = ((words[i] as number) ^ Math.imul(carried(words, i - 1), 1_566_083_941)) - i;
    next();
  }
  words[0] = 0x8000_0000;
  return { words, place: size };
}

function carried(words: Uint32Array, i: number): number {
  const word = words[i] as number;
  return word ^ (word >>> 30);
}

/** The next `bits` random bits, 1 to 31 of them. */
export function randomBits(twister: Twister, bits: number): number {
  if (twister.place === size) twist(twister.words);
  if (twister.place === size) twister.place = 0;
  let word = twister.words[twister.place] as number;
  twister.place += 1;
  word ^= word >>> 11;
  word ^= (word << 7) & 0x9d2c_5680;
  word ^= (word << 15) & 0xefc6_0000;
  word ^= word >>> 18;
  return word >>> (32 - bits);
}

function twist(words: Uint32Array): void {
  for (let i = 0; i < size; i += 1) {
    const low = words[i + 1 === size ? 0 : i + 1] as number;
    const mixed = ((words[i] as number) & 0x8000_0000) | (low & 0x7fff_ffff);
    const far = words[i + middle < size ? i + middle : i + middle - size] as number;
    words[i] = far ^ (mixed >>> 1) ^ ((low & 1) === 0 ? 0 : 0x9908_b0df);
  }
}

/** A whole number from 0 to `end` - 1: draws as many bits as `end` has until they lie below it. */
export function randomBelow(twister: Twister, end: number): number {
  const bits = 32 - Math.clz32(end);
  let drawn = randomBits(twister, bits);
  while (drawn >= end) drawn = randomBits(twister, bits);
  return drawn;
}

/**
 * Draws as many of the numbers below `end` as `drawn` is long, none of them twice, as Python's `random.sample` does: from a
 * shrinking pool where that takes less memory than a set, else again until it is a new one. `room` holds `end` numbers.
 */
export function drawSample(twister: Twister, end: number, drawn: Uint16Array, room: Uint16Array): void {
  const count = drawn.length;
  const setSize = 21 + (count > 5 ? 4 ** Math.ceil(Math.log(3 * count) / Math.log(4)) : 0);
  if (end <= setSize) {
    for (let i = 0; i < end; i += 1) room[i] = i;
    for (let i = 0; i < count; i += 1) {
      const at = randomBelow(twister, end - i);
      drawn[i] = room[at] as number;
      room[at] = room[end - i - 1] as number;
    }
    return;
  }
  room.fill(0);
  for (let i = 0; i < count; i += 1) {
    let one = randomBelow(twister, end);
    while (room[one] === 1) one = randomBelow(twister, end);
    room[one] = 1;
    drawn[i] = one;
  }
}

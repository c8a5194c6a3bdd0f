/**
 * Chance for benches: repeatable, fast, and another generator than the detectors have, so that no stream can fall in step
 * with their tie-breaks. Chris Doty-Humphrey's sfc32, of PractRand.
 */
let [a, b, c, counter] = [0, 0, 0, 1];
let spare: number | undefined;

export function seed(value: number): void {
  [a, b, c, counter] = [value | 0, 0x243f_6a88, 0xb7e1_5162, 1];
  spare = undefined;
  for (let i = 0; i < 12; i += 1) random();
}

/** Between 0 and 1, neither included. */
export function random(): number {
  const sum = (((a + b) | 0) + counter) | 0;
  counter = (counter + 1) | 0;
  a = b ^ (b >>> 9);
  b = (c + (c << 3)) | 0;
  c = (((c << 21) | (c >>> 11)) + sum) | 0;
  return ((sum >>> 0) + 0.5) / 2 ** 32;
}

/** Standard normal numbers, two at a time, by Box and Muller. */
export function gaussian(): number {
  if (spare !== undefined) {
    const value = spare;
    spare = undefined;
    return value;
  }
  const radius = Math.sqrt(-2 * Math.log(random()));
  const angle = 2 * Math.PI * random();
  spare = radius * Math.sin(angle);
  return radius * Math.cos(angle);
}

seed(1);

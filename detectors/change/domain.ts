/**
 * What a detector takes, and the check of each value before any state is touched.
 */

/** "bit": 0, or 1 for an error; "ratio": from 0 to 1; "number": any finite one. */
export type Domain = "number" | "bit" | "ratio";

/** Greater than anything that is measured, and small enough that a sum of squares stays finite. */
const greatest = 1e100;

/** A finite number; beyond 1e100 on either side it counts as 1e100, so that no sum overflows. @throws RangeError */
export function number(detector: string, value: number): number {
  if (!Number.isFinite(value)) throw new RangeError(`${detector}: expected a finite number, got ${value}`);
  return bounded(value);
}

export function bounded(value: number): number {
  return value > greatest ? greatest : value < -greatest ? -greatest : value;
}

/** @throws RangeError */
export function bit(detector: string, value: number): number {
  if (value !== 0 && value !== 1) throw new RangeError(`${detector}: expected 0 or 1, got ${value}`);
  return value;
}

/** @throws RangeError */
export function ratio(detector: string, value: number): number {
  if (!Number.isFinite(value) || value < 0 || value > 1) throw new RangeError(`${detector}: expected a number from 0 to 1, got ${value}`);
  return value;
}

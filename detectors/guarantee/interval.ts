/** A confidence interval, or one of a confidence sequence: from `lower` to `upper`, ends included; infinite where nothing is known. */
export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

/** @throws RangeError unless alpha, the chance to be wrong, lies between 0 and 1. */
export function checkAlpha(name: string, alpha: number): void {
  if (!(alpha > 0 && alpha < 1)) throw new RangeError(`${name}: alpha must be between 0 and 1, got ${alpha}`);
}

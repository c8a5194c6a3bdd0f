/**
 * Does memory grow with the requests that went through? A line is laid through the readings by least squares; its slope is
 * told with its standard error, and memory counts as flat where zero lies within two of them or the slope falls.
 */
export interface Reading {
  readonly requests: number;
  readonly mb: number;
}

export interface Slope {
  /** MB for each 100,000 requests. */
  readonly mbPer100k: number;
  readonly standardError: number;
  readonly flat: boolean;
}

/** @param readings three at least, at different counts of requests. */
export function slopeOf(readings: readonly Reading[]): Slope {
  const x = readings.map(({ requests }) => requests / 100_000);
  const y = readings.map(({ mb }) => mb);
  const meanX = mean(x);
  const meanY = mean(y);
  const spread = sum(x.map((one) => (one - meanX) ** 2));
  const slope = sum(x.map((one, index) => (one - meanX) * ((y[index] as number) - meanY))) / spread;
  const left = sum(x.map((one, index) => ((y[index] as number) - meanY - slope * (one - meanX)) ** 2));
  const standardError = Math.sqrt(left / (x.length - 2) / spread);
  return { mbPer100k: slope, standardError, flat: slope <= 2 * standardError };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

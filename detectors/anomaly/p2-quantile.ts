/**
 * P2: a quantile of a stream in five numbers. Five markers keep their places among the values seen (least, half way, the
 * quantile, half way, greatest) and move along a parabola when they lag behind. Exact up to five values. In the stream's unit.
 *
 * Cost: O(1) a value; 80 bytes.
 * Source: R. Jain and I. Chlamtac, The P2 algorithm for dynamic calculation of quantiles and histograms without storing
 * observations, Communications of the ACM 28 (1985).
 */
export interface P2State {
  count: number;
  /** Heights of the markers, ascending, and how many values lie at or below each. */
  readonly heights: Float64Array;
  readonly places: Float64Array;
}

export function startP2(): P2State {
  return { count: 0, heights: new Float64Array(5), places: Float64Array.of(1, 2, 3, 4, 5) };
}

/** @param quantile between 0 and 1, the same at every call. Throws a RangeError for a value that is not finite. */
export function stepP2(state: P2State, value: number, quantile: number): void {
  if (!Number.isFinite(value)) throw new RangeError(`stepP2: expected a finite number, got ${value}`);
  const { heights, places } = state;
  state.count += 1;
  if (state.count <= 5) {
    let at = state.count - 1;
    for (; at > 0 && (heights[at - 1] as number) > value; at -= 1) heights[at] = heights[at - 1] as number;
    heights[at] = value;
    return;
  }

  if (value < (heights[0] as number)) heights[0] = value;
  if (value > (heights[4] as number)) heights[4] = value;
  for (let marker = 1; marker < 5; marker += 1) if (value < (heights[marker] as number) || marker === 4) places[marker]! += 1;

  for (let marker = 1; marker < 4; marker += 1) {
    const share = marker === 2 ? quantile : marker === 1 ? quantile / 2 : (1 + quantile) / 2;
    const left = places[marker - 1] as number;
    const place = places[marker] as number;
    const right = places[marker + 1] as number;
    const behind = 1 + (state.count - 1) * share - place;
    const move = behind >= 1 && right - place > 1 ? 1 : behind <= -1 && place - left > 1 ? -1 : 0;
    if (move === 0) continue;
    const low = heights[marker - 1] as number;
    const height = heights[marker] as number;
    const high = heights[marker + 1] as number;
    const up = (high - height) / (right - place);
    const down = (height - low) / (place - left);
    const parabola = height + (move / (right - left)) * ((place - left + move) * up + (right - place - move) * down);
    heights[marker] = low < parabola && parabola < high ? parabola : height + move * (move > 0 ? up : down);
    places[marker] = place + move;
  }
}

/** Undefined before the first value. */
export function readP2({ count, heights }: P2State, quantile: number): number | undefined {
  if (count === 0) return undefined;
  return heights[count >= 5 ? 2 : Math.min(count - 1, Math.floor(quantile * count))];
}

/**
 * Can one tell the latest rows from the reference's? A logistic regression learns it as the rows come, and is asked about
 * each row before it learns from it, so the area under its curve is honest: 0.5 where nothing has changed, 1 where every row
 * gives itself away. Its weights name the columns by which.
 *
 * A measure for people, not an alarm: the same reference rows come round again and again.
 *
 * Sources: D. Lopez-Paz and M. Oquab, Revisiting Classifier Two-Sample Tests, ICLR 2017; step sizes by J. Duchi, E. Hazan
 * and Y. Singer, AdaGrad, JMLR 12 (2011).
 */
export interface DomainClassifierState {
  /** One for each column, and the constant last. */
  readonly weights: Float64Array;
  /** Sums of squared gradients. */
  readonly squares: Float64Array;
  /** What was said, weighted by age: 64 cells of scores from 0 to 1 for rows of the reference, then 64 for the latest. */
  readonly said: Float64Array;
}

export interface DomainClassifier {
  start(): DomainClassifierState;
  /** Consumes `state`. @param row standardised. @param latest is it one of the latest rows, or one of the reference's? */
  step(state: DomainClassifierState, row: ArrayLike<number>, latest: boolean): DomainClassifierState;
  /** The area under the curve, 0 to 1; undefined before both kinds were seen. */
  read(state: DomainClassifierState): number | undefined;
  /** Share of each column in telling them apart, adding up to 1; equal while nothing is known. */
  shares(state: DomainClassifierState): number[];
}

const cells = 64;
const learningRate = 0.1;

/** @param memory rows of a kind after which an answer counts for 1/e. Cost: O(columns) a row. */
export function domainClassifier({ columns, memory = 1_000 }: { columns: number; memory?: number }): DomainClassifier {
  if (!Number.isInteger(columns) || columns < 1) throw new RangeError(`domainClassifier: columns must be a whole number above 0, got ${columns}`);
  if (!(memory >= 1)) throw new RangeError(`domainClassifier: memory must be 1 or more, got ${memory}`);
  const keep = Math.exp(-1 / memory);

  return {
    start: () => ({ weights: new Float64Array(columns + 1), squares: new Float64Array(columns + 1), said: new Float64Array(2 * cells) }),

    step(state, row, latest) {
      if (row.length !== columns) throw new RangeError(`domainClassifier: expected ${columns} numbers, got ${row.length}`);
      const { weights, squares, said } = state;
      let sum = weights[columns] as number;
      for (let i = 0; i < columns; i += 1) sum += (weights[i] as number) * (row[i] as number);
      if (!Number.isFinite(sum)) throw new RangeError("domainClassifier: expected finite numbers");
      const score = 1 / (1 + Math.exp(-sum));

      const first = latest ? cells : 0;
      for (let cell = first; cell < first + cells; cell += 1) said[cell]! *= keep;
      said[first + Math.min(cells - 1, Math.floor(score * cells))]! += 1;

      const error = score - Number(latest);
      for (let i = 0; i <= columns; i += 1) {
        const gradient = error * (i === columns ? 1 : (row[i] as number));
        if (gradient === 0) continue;
        squares[i]! += gradient * gradient;
        weights[i]! -= (learningRate * gradient) / Math.sqrt(squares[i] as number);
      }
      return state;
    },

    read({ said }) {
      let [pairs, right, latestBelow] = [0, 0, 0];
      let [known, latest] = [0, 0];
      for (let cell = 0; cell < cells; cell += 1) {
        known += said[cell] as number;
        latest += said[cells + cell] as number;
      }
      pairs = known * latest;
      if (pairs === 0) return undefined;
      for (let cell = 0; cell < cells; cell += 1) {
        const here = said[cells + cell] as number;
        latestBelow += here;
        // A row of the reference is told rightly from the latest rows that score higher; level ones count half.
        right += (said[cell] as number) * (latest - latestBelow + here / 2);
      }
      return right / pairs;
    },

    shares({ weights }) {
      const sizes = Array.from(weights.subarray(0, columns), Math.abs);
      const total = sizes.reduce((sum, size) => sum + size, 0);
      return sizes.map((size) => (total === 0 ? 1 / columns : size / total));
    },
  };
}

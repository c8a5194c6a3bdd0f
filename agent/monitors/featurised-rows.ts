/**
 * Rows on their way to whoever watches or learns them, with the columns that a featuriser makes of them. Where it has nothing
 * to say of a row, the row is watched without, as if the columns did not exist; but it is not learnt from, since a reference
 * must know them in every row or in none.
 */
import type { FeaturiserOrigin, Reference, Value } from "../../detectors/reference/reference.ts";
import { instruments } from "../../exporters/instruments.ts";
import { isDerived } from "../featuriser/derived.ts";
import type { Featuriser } from "../featuriser/featuriser.ts";
import { Featurising, type Bounds, type Rows } from "../featuriser/featurising.ts";
import { mismatch } from "../featuriser/origin.ts";
import type { Point } from "../observation.ts";

export interface HeardRows extends Rows {
  /** Of the primary's answers; undefined where it did not answer. */
  readonly scores: readonly Value[] | undefined;
  readonly nowMs: number;
  readonly wallMs: number;
}

export interface FeaturisedRowsDeps {
  /** Loads the model; asked once. */
  readonly open: () => Promise<Featuriser>;
  /** What rows are compared with; undefined while that is being learnt. */
  readonly reference: () => Reference | undefined;
  readonly hear: (heard: HeardRows) => void;
  /** It is off, before the rows that wait come without its columns. */
  readonly off: () => void;
  readonly note: (text: string) => void;
}

/** Samples in a row that it makes nothing of, after which a reference is learnt without it. */
const failuresMax = 100;

export class FeaturisedRows {
  readonly #featurising: Featurising<HeardRows>;
  #origin: FeaturiserOrigin | undefined;
  /** Samples since it last made something of one. */
  #failures = 0;
  #failureNoted = false;
  /** For good: nobody waits for its columns. */
  #isOff = false;

  constructor(deps: FeaturisedRowsDeps, bounds?: Bounds) {
    this.#featurising = new Featurising(
      {
        open: deps.open,
        refuse: (origin) => {
          this.#origin = origin;
          const reference = deps.reference();
          return reference && mismatch(reference, origin);
        },
        done: (heard, derived) => {
          if (derived !== undefined) {
            this.#failures = 0;
            const made = derived.map(({ name, values }) => [name, values] as const);
            // Before the others, so that they are not cut off where only so many columns are learnt; and over them.
            deps.hear({ ...heard, columns: new Map([...made, ...heard.columns, ...made]) });
          } else if (this.#isOff || deps.reference() !== undefined) deps.hear(heard);
        },
        failed: (why) => {
          if (!this.#failureNoted) deps.note(why);
          this.#failureNoted = true;
          this.#failures += 1;
          if (this.#failures >= failuresMax && deps.reference() === undefined) this.#featurising.stop(why);
        },
        off: (why) => {
          this.#isOff = true;
          deps.note(`the featuriser is off: ${why}`);
          deps.off();
        },
      },
      bounds,
    );
  }

  hear(heard: HeardRows): void {
    this.#featurising.hear(heard);
  }

  /** Kept when no rows wait any more; undefined where none do now. */
  drained(): Promise<void> | undefined {
    return this.#featurising.drained();
  }

  /** A reference that was learnt from these rows, with what made its columns if it has some. */
  sign(learnt: Reference): Reference {
    return learnt.features.some(({ name }) => isDerived(name)) ? { ...learnt, featuriser: this.#origin } : learnt;
  }

  /** What waits comes now, without its columns, and so does all that follows. With a reason it is said to be off. */
  stop(why?: string): void {
    this.#featurising.stop(why);
  }

  points(model: string): readonly Point[] {
    const { dropped, failedRows } = this.#featurising;
    const points: Point[] = [];
    if (dropped > 0) points.push({ instrument: instruments.dropped, labels: { what: "analysis-featuriser" }, value: dropped });
    if (failedRows > 0) points.push({ instrument: instruments.analysed, labels: { model, result: "featuriser-failed" }, value: failedRows });
    return points;
  }
}

/** An answer of the model that was given although it was not sure enough: a person should look at it. */
export interface UnsureAnswer {
  readonly inferenceId: string;
  readonly model: string;
  /** Of the least sure row. */
  readonly confidence: number;
  /** The first rows that are not sure. */
  readonly rows: readonly number[];
  readonly atWallMs: number;
}

/** How a feature is written as numbers in a row. Plain JSON. */
export type EncodedFeature =
  | { readonly kind: "number"; readonly mean: number; readonly standardDeviation: number }
  | { readonly kind: "category"; readonly values: readonly string[]; readonly ratios: readonly number[] };

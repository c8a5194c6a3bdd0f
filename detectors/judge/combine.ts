/**
 * The evidence of a fleet from that of its pods. Pods that deal their own traffic by their own chance, and are judged each
 * on it alone, bet independently of each other: while the candidate is not worse the product of their e-values is one too,
 * at any moment one looks. So ten pods that have each won a factor of two have won a thousand together, where none could
 * decide alone. What is multiplied is the evidence of now, never each pod's best; and pods that see the same user must not
 * be grouped by key each for itself.
 *
 * Source: V. Vovk and R. Wang, E-values: calibration, combination, and applications, Annals of Statistics 49 (2021).
 */
import { productEvidence } from "../guarantee/e-values.ts";

/**
 * @param pods per pod, natural logarithms of evidence by comparison; one that a pod does not have counts as no evidence.
 * @returns the fleet's, to be compared with the same thresholds. @throws RangeError for no pods and for NaN.
 */
export function combine(pods: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  if (pods.length === 0) throw new RangeError("combine: expected the evidence of pods, got none");
  const names = new Set(pods.flatMap((pod) => Object.keys(pod)));
  return Object.fromEntries([...names].map((name) => [name, productEvidence(pods.map((pod) => pod[name] ?? 0))]));
}

/**
 * Beta-binomial mixture: the boundary for sums of increments that lie between -g and h around what is expected, as those of
 * a rate do. v is count * g * h. The tightest of all for zeros and ones (rate-sequence.ts).
 *
 * Source: Howard et al. (mixture.ts), propositions 7 and 8.
 */
import { betaCumulative, logBeta } from "../special/beta.ts";
import { mixtureBound, mixturePrecision, type Mixture, type MixtureTuning } from "./mixture.ts";

/** The boundary is that of rises; that of falls has g and h changed about. Cost: a boundary takes 20 to 60 microseconds. */
export function betaBinomial({ g, h, ...tuning }: MixtureTuning & { readonly g: number; readonly h: number }): Mixture {
  if (!(g > 0 && g < Infinity && h > 0 && h < Infinity)) throw new RangeError(`betaBinomial: g and h must be above 0, got ${g} and ${h}`);
  const width = g + h;
  // A prior worth less than a thousandth of a value is no better.
  const prior = Math.max(mixturePrecision(tuning) - g * h, 0.001 * g * h);
  const two = tuning.sides === 2;
  const whole = logPart(prior / (g * width), prior / (h * width));

  /** With the prior's weight moved to those l that bet on a rise, for one side. */
  function logPart(a: number, b: number): number {
    return logBeta(a, b) + (two ? 0 : Math.log(betaCumulative(h / width, a, b)));
  }

  /** `s` lies between -v/h and v/g. */
  function logEvidence(s: number, v: number): number {
    const rises = (v / h + s) / width;
    const falls = (v / g - s) / width;
    if (rises < 0 || falls < 0) return -Infinity;
    const part = logPart(falls + prior / (g * width), rises + prior / (h * width));
    return part - whole - rises * Math.log(g / width) - falls * Math.log(h / width);
  }
  return { logEvidence, bound: (v, alpha) => mixtureBound(logEvidence, v, alpha, v / g) };
}

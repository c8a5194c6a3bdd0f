/**
 * Which rise of a rate an e-detector finds in time, told when it is configured rather than after it was missed.
 *
 * After a rise the logarithm of a bet's pot is a random walk upwards, and when it first passes that of A follows the
 * inverse Gaussian distribution. Where it promises 80 %, simulations find 74 to 86 % (rates of 0.1 % to 30 %, A of 10^4 to
 * 10^7). Of values between 0 and 1 the same rise of the mean is found sooner, the less they vary.
 *
 * Source: D. Siegmund, Sequential Analysis (1985), chapter 3; the money put in after the change counts as in M. Dufresne's
 * perpetuity (1990).
 */
import { normalCumulative } from "../special/normal.ts";
import { betShares, betsOnRise, growth } from "./bets-on-rise.ts";
import { rateUpperBound } from "./rate-upper-bound.ts";

export interface DetectableMeanOptions {
  /** A of the e-detector. */
  readonly samplesPerFalseAlarm: number;
  /** Values after the rise within which it is to be found. */
  readonly within: number;
  /** With which probability it is to be found. */
  readonly power?: number;
}

export interface DetectableRiseOptions extends DetectableMeanOptions {
  /** The reference: how many successes (errors, nulls) among how many. */
  readonly successes: number;
  readonly n: number;
  /** Of the baseline that is made of it. */
  readonly confidence?: number;
}

export interface DetectableRise {
  /** What was counted, and its upper bound, which the e-detector takes for its baseline. */
  readonly rate: number;
  readonly baseline: number;
  /** The least rate that is found; undefined where none is. */
  readonly detectable: number | undefined;
}

/** @param n above 0. Throws a RangeError for options out of their range. Cost: 0.3 milliseconds. */
export function detectableRise({ successes, n, confidence = 0.99, ...options }: DetectableRiseOptions): DetectableRise {
  if (!(n >= 1)) throw new RangeError(`detectableRise: n must be 1 or more, got ${n}`);
  const baseline = rateUpperBound(successes, n, confidence);
  return { rate: successes / n, baseline, detectable: detectableMean(baseline, options) };
}

/** The least mean that is found; undefined where none is. */
export function detectableMean(baseline: number, { samplesPerFalseAlarm, within, power = 0.8 }: DetectableMeanOptions): number | undefined {
  if (!(baseline >= 0 && baseline <= 1)) throw new RangeError(`detectableMean: baseline must be 0 to 1, got ${baseline}`);
  if (!(samplesPerFalseAlarm > 1 && samplesPerFalseAlarm < Infinity)) {
    throw new RangeError(`detectableMean: samplesPerFalseAlarm must be above 1, got ${samplesPerFalseAlarm}`);
  }
  if (!(within >= 1 && within < Infinity)) throw new RangeError(`detectableMean: within must be 1 or more, got ${within}`);
  if (!(power > 0 && power < 1)) throw new RangeError(`detectableMean: power must be between 0 and 1, got ${power}`);

  const bets = betsOnRise(baseline, samplesPerFalseAlarm);
  // The best bet has its share of the money, and its two neighbours win nearly as much.
  const evidence = betShares.map((share) => samplesPerFalseAlarm / (3 * share));
  const found = (mean: number) => Math.max(...bets.map((bet, i) => foundBy(bet, baseline, mean, evidence[i] as number, within)));
  if (baseline === 1 || found(1) < power) return undefined;
  let low = baseline;
  let high = 1;
  while (high - low > 1e-6 * high) {
    const middle = (low + high) / 2;
    if (found(middle) < power) low = middle;
    else high = middle;
  }
  return high;
}

/** For a person: `with your 500 labels a rise of the error rate from 10 % to less than 15.4 % is not found within 5,000 requests ...`. */
export function detectableRiseInWords(
  options: DetectableRiseOptions,
  { rate = "error rate", reference = "labels", values = "requests" }: { rate?: string; reference?: string; values?: string } = {},
): string {
  const { power = 0.8, n, within } = options;
  const { rate: counted, detectable } = detectableRise(options);
  const rise = `rise of the ${rate} from ${percent(counted)}`;
  const missed = detectable === undefined ? `even the greatest ${rise}` : `a ${rise} to less than ${percent(detectable)}`;
  return `with your ${whole(n)} ${reference} ${missed} is not found within ${whole(within)} ${values} in ${percent(1 - power)} of cases or more`;
}

/** The probability that one bet's pot passes `evidence` within so many values of a rate that has become `mean`. */
function foundBy(bet: number, baseline: number, mean: number, evidence: number, within: number): number {
  const drift = growth(bet, baseline, mean);
  if (drift <= 0) return 0;
  const jump = Math.log1p(bet * (1 - baseline)) - Math.log1p(-bet * baseline);
  const variance = mean * (1 - mean) * jump ** 2;
  // What is put in after the change is soon worth as much as 1 / drift at its beginning, and more where the walk varies.
  const head = Math.min(Math.log(within), variance / (4 * drift) - Math.log(-Math.expm1(-drift)));
  const distance = Math.max(0, Math.log(evidence) - head);
  if (variance === 0) return drift * within >= distance ? 1 : 0;
  const deviation = Math.sqrt(variance * within);
  const detour = (2 * drift * distance) / variance;
  const late = detour < 500 ? Math.exp(detour) * normalCumulative(-(drift * within + distance) / deviation) : 0;
  return Math.min(1, normalCumulative((drift * within - distance) / deviation) + late);
}

function percent(ratio: number): string {
  return `${Number((100 * ratio).toPrecision(3))} %`;
}

function whole(count: number): string {
  return count.toLocaleString("en-GB");
}

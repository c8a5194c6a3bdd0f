/**
 * A histogram whose buckets follow the values: base-2 exponential, as OpenTelemetry's data model defines it. At scale s the
 * base is 2^(2^-s) and bucket i holds the values above base^i and not above base^(i+1). Where the values spread over more
 * buckets than there are, the scale is lowered by one, which merges buckets two by two, as often as it takes.
 *
 * Cost: 160 buckets, 1.3 KB; O(1) a value but for the rare change of scale, of which there are at most 30 in a life.
 * Relative error of a quantile: (base - 1) / (base + 1), such as 2.2 % while the largest value is less than 1,000 times the
 * smallest. Source: OpenTelemetry metrics data model, "ExponentialHistogram".
 */
const bucketsMax = 160;
const scaleMax = 20;

export class ExponentialHistogram {
  /** From 20 down to -10, at which two buckets hold every double. */
  scale: number = scaleMax;
  /** Of the first bucket in use. */
  offset = 0;
  /** How many buckets are in use, from `offset` on. */
  length = 0;
  zeroCount = 0;
  count = 0;
  readonly #counts = new Float64Array(bucketsMax);

  /** Takes a value of 0 or above; the caller has checked that it is a finite number. */
  record(value: number): void {
    this.count += 1;
    if (value === 0) {
      this.zeroCount += 1;
      return;
    }
    let index = indexOf(value, this.scale);
    while (!this.#fits(index)) {
      this.#halve();
      index = indexOf(value, this.scale);
    }
    this.#cover(index);
    (this.#counts[index - this.offset] as number) += 1;
  }

  /** The counts of the buckets in use. A view, valid until the next record. */
  counts(): Float64Array {
    return this.#counts.subarray(0, this.length);
  }

  #fits(index: number): boolean {
    return this.length === 0 || Math.max(index, this.offset + this.length - 1) - Math.min(index, this.offset) < bucketsMax;
  }

  #cover(index: number): void {
    if (this.length === 0) {
      this.offset = index;
      this.length = 1;
    } else if (index < this.offset) {
      const by = this.offset - index;
      this.#counts.copyWithin(by, 0, this.length);
      this.#counts.fill(0, 0, by);
      this.offset = index;
      this.length += by;
    } else {
      this.length = Math.max(this.length, index - this.offset + 1);
    }
  }

  /** One scale down: bucket i becomes a part of bucket floor(i / 2). */
  #halve(): void {
    const offset = this.offset >> 1;
    const length = this.length === 0 ? 0 : ((this.offset + this.length - 1) >> 1) - offset + 1;
    for (let i = 0; i < this.length; i += 1) {
      const count = this.#counts[i] as number;
      this.#counts[i] = 0;
      (this.#counts[((this.offset + i) >> 1) - offset] as number) += count;
    }
    this.offset = offset;
    this.length = length;
    this.scale -= 1;
  }
}

const bits = new DataView(new ArrayBuffer(8));

/** The bucket of a value above 0 at a scale. Exact at powers of two, where a logarithm alone would fall to either side. */
export function indexOf(value: number, scale: number): number {
  bits.setFloat64(0, value);
  const high = bits.getUint32(0);
  const exponent = ((high >>> 20) & 0x7ff) - 1_023;
  // Below 2^-1022 a double has fewer digits; all of them share the bucket below the smallest that has all.
  if (exponent === -1_023) return indexOf(2 ** -1_022, scale);
  const isPowerOfTwo = (high & 0xf_ffff) === 0 && bits.getUint32(4) === 0;
  if (scale <= 0) return (exponent - (isPowerOfTwo ? 1 : 0)) >> -scale;
  if (isPowerOfTwo) return exponent * 2 ** scale - 1;
  return Math.min(Math.ceil(Math.log2(value) * 2 ** scale) - 1, (exponent + 1) * 2 ** scale - 1);
}

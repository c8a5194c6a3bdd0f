/**
 * Eigenvalues and eigenvectors of a symmetric matrix, by Jacobi's rotations: slow for hundreds of columns, exact and short
 * for the tens that a table has. Source: C. Jacobi, Crelle 30 (1846); cyclic by rows.
 */
export interface Eigen {
  /** Descending. */
  readonly values: readonly number[];
  /** In the same order, each of length 1. */
  readonly vectors: readonly Float64Array[];
}

const sweepsMax = 60;

/** @param matrix symmetric, row by row, of `size` rows. Cost: about 10 size^3. */
export function eigenOf(matrix: Float64Array, size: number): Eigen {
  const a = matrix.slice();
  const turned = Array.from({ length: size }, (_, i) => Float64Array.from({ length: size }, (__, j) => Number(i === j)));
  const scale = a.reduce((sum, value) => sum + value * value, 0);
  for (let sweep = 0; sweep < sweepsMax; sweep += 1) {
    let off = 0;
    for (let i = 0; i < size; i += 1) for (let j = 0; j < i; j += 1) off += 2 * (a[i * size + j] as number) ** 2;
    if (off <= 1e-30 * scale) break;
    for (let p = 0; p < size - 1; p += 1) for (let q = p + 1; q < size; q += 1) rotate(a, turned, size, p, q);
  }
  const order = Array.from({ length: size }, (_, i) => i).sort((x, y) => (a[y * size + y] as number) - (a[x * size + x] as number));
  return { values: order.map((i) => a[i * size + i] as number), vectors: order.map((i) => turned[i] as Float64Array) };
}

/** Makes the entry (p, q) zero; row i of `turned` becomes the i-th eigenvector. */
function rotate(a: Float64Array, turned: readonly Float64Array[], size: number, p: number, q: number): void {
  const apq = a[p * size + q] as number;
  if (apq === 0) return;
  const theta = ((a[q * size + q] as number) - (a[p * size + p] as number)) / (2 * apq);
  const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  for (let k = 0; k < size; k += 1) {
    const [akp, akq] = [a[k * size + p] as number, a[k * size + q] as number];
    a[k * size + p] = c * akp - s * akq;
    a[k * size + q] = s * akp + c * akq;
  }
  const [vp, vq] = [turned[p] as Float64Array, turned[q] as Float64Array];
  for (let k = 0; k < size; k += 1) {
    const [apk, aqk] = [a[p * size + k] as number, a[q * size + k] as number];
    a[p * size + k] = c * apk - s * aqk;
    a[q * size + k] = s * apk + c * aqk;
    const [x, y] = [vp[k] as number, vq[k] as number];
    vp[k] = c * x - s * y;
    vq[k] = s * x + c * y;
  }
}

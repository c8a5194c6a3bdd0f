/**
 * From which number on an alert fires, read from its own expression: a panel's line and the alert that it warns of can not
 * come apart, whatever options the alert's number is made from.
 */

/** @throws Error where the expression compares with no number. */
export function limitOf(name: string, expr: string): number {
  const number = /[<>]=? (\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w.])/.exec(expr)?.[1];
  if (number === undefined) throw new Error(`limitOf: ${name} compares with no number: ${expr}`);
  return Number(number);
}

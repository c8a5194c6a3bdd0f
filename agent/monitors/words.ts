/** Numbers as a person reads them in a message. */

/** `61 %`, `0.4 %` */
export function percent(ratio: number): string {
  const hundredths = 100 * ratio;
  return `${hundredths >= 10 ? Math.round(hundredths) : Number(hundredths.toPrecision(2))} %`;
}

/** Three digits. */
export function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** `a, b`, or `a, b and 3 more` */
export function list(items: readonly string[], most: number): string {
  if (items.length <= most) return items.join(", ");
  return `${items.slice(0, most).join(", ")} and ${items.length - most} more`;
}

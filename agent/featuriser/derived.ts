/** The columns that a featuriser makes: known by their prefix, which no feature of a model is likely to have. */
import type { Reference } from "../../detectors/reference/reference.ts";

const prefix = "featuriser.";

export function derivedName(name: string): string {
  return `${prefix}${name}`;
}

/** Whether a column is a featuriser's, and so in no request. */
export function isDerived(name: string): boolean {
  return name.startsWith(prefix);
}

/** The reference for whoever has no featuriser. */
export function withoutDerived({ features, wholeRows, featuriser: _featuriser, ...reference }: Reference): Reference {
  const isOwn = features.map(({ name }) => !isDerived(name));
  const own = <Item>(items: readonly Item[]) => items.filter((_item, index) => isOwn[index]);
  return { ...reference, features: own(features), ...(wholeRows !== undefined && { wholeRows: { ...wholeRows, encoding: own(wholeRows.encoding) } }) };
}

/** By what the client of an inference is known again, so that a rollout keeps it on its side. Pure. */
import type { KeySource } from "../trial.ts";

/** `header`: the value of the field of that name (lower case). Undefined where the request has none, or an empty one. */
export function keyOf({ header: named, cookie }: KeySource, header: (name: string) => string | undefined): string | undefined {
  const value = named === undefined ? undefined : header(named);
  if (value !== undefined && value !== "") return value;
  return cookie === undefined ? undefined : cookieIn(header("cookie"), cookie);
}

/** RFC 6265, section 4.2.1: pairs with a semicolon between; names are told apart by case. */
function cookieIn(cookies: string | undefined, name: string): string | undefined {
  for (const pair of cookies?.split(";") ?? []) {
    const at = pair.indexOf("=");
    if (at < 0 || pair.slice(0, at).trim() !== name) continue;
    const value = pair.slice(at + 1).trim();
    return value === "" ? undefined : value;
  }
  return undefined;
}

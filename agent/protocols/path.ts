/** Paths of requests. */

export function withoutQuery(path: string): string {
  const end = path.indexOf("?");
  return end < 0 ? path : path.slice(0, end);
}

/** A segment of a path without its percent sequences; undefined where there is none or they are broken. */
export function decodePath(segment: string | undefined): string | undefined {
  if (segment === undefined || !segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined; // The server may say what it thinks of it.
  }
}

/** Media types: what a body says it is, and whether an answer's is one that the client takes (RFC 9110, 8.3 and 12.5.1). */

/** `application/json; charset=utf-8` to `application/json`; empty where nothing is said. */
export function mediaTypeOf(header: string | undefined): string {
  return (header ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

export function isJson(type: string): boolean {
  return type === "application/json" || /^application\/[\w.-]+\+json$/.test(type);
}

/** The first of the types that the client takes, as its Accept says; all where it says nothing. undefined: none of them. */
export function accepted(header: string | undefined, types: readonly string[]): string | undefined {
  if (header === undefined || header.trim() === "") return types[0];
  const ranges = header.split(",").map(rangeOf);
  return types.find((type) => {
    const fitting = ranges.filter(({ range }) => fits(type, range));
    // The most exact range decides, so `text/html, */*;q=0` takes nothing else.
    const decides = fitting.reduce<Range | undefined>((best, one) => (best === undefined || exactness(one) > exactness(best) ? one : best), undefined);
    return decides !== undefined && decides.quality > 0;
  });
}

interface Range {
  readonly range: string;
  readonly quality: number;
}

function rangeOf(text: string): Range {
  const [range = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const quality = Number(parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? 1);
  return { range, quality: Number.isNaN(quality) ? 1 : quality };
}

function fits(type: string, range: string): boolean {
  return range === "*/*" || range === type || (range.endsWith("/*") && type.startsWith(range.slice(0, -1)));
}

function exactness({ range }: Range): number {
  return range === "*/*" ? 0 : range.endsWith("/*") ? 1 : 2;
}

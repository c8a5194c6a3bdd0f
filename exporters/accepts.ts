/** What a client takes, from the fields of a request (RFC 9110, sections 12.5.1 and 12.5.3). Pure. */

export type ExpositionFormat = "text" | "openmetrics";

interface Entry {
  /** Lower case, without parameters. */
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
  /** 0: refused. */
  readonly weight: number;
}

/** OpenMetrics 1.0.0 where it is named and weighs no less than the text format; the text format in all other cases. */
export function formatFor(accept: string | undefined): ExpositionFormat {
  const entries = entriesOf(accept);
  const openmetrics = entries.filter(({ name, parameters }) => name === "application/openmetrics-text" && ["1.0.0", "1", undefined].includes(parameters.get("version")));
  const text = entries.filter(({ name }) => name === "text/plain" || name === "text/*");
  const weightOf = (among: readonly Entry[]) => Math.max(0, ...among.map(({ weight }) => weight));
  return weightOf(openmetrics) > 0 && weightOf(openmetrics) >= weightOf(text) ? "openmetrics" : "text";
}

/** A coding is taken where it or `*` is named, unless with weight 0. */
export function takesGzip(acceptEncoding: string | undefined): boolean {
  const weights = new Map(entriesOf(acceptEncoding).map(({ name, weight }) => [name, weight]));
  return (weights.get("gzip") ?? weights.get("*") ?? 0) > 0;
}

function entriesOf(field: string | undefined): readonly Entry[] {
  return (field ?? "").split(",").map((entry) => {
    const [name = "", ...rest] = entry.split(";").map((part) => part.trim().toLowerCase());
    const parameters = new Map(
      rest.map((parameter): [string, string] => {
        const [key = "", value = ""] = parameter.split("=", 2);
        return [key.trim(), value.trim().replace(/^"(.*)"$/, "$1")];
      }),
    );
    const weight = Number(parameters.get("q") ?? 1);
    return { name, parameters, weight: Number.isNaN(weight) ? 0 : weight };
  });
}

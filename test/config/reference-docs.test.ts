/**
 * docs/CONFIG.md has every option there is, none that there is not, and each with its true default. A documented default is
 * read as an option's value would be, so `10s` and 10,000 milliseconds are the same.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse as parseYaml } from "yaml";
import { expect, test } from "vitest";
import type { z } from "zod";
import { configSchema, parseConfig } from "../../agent/config/config.ts";

const root = resolve(import.meta.dirname, "../..");
const text = readFileSync(join(root, "docs/CONFIG.md"), "utf8");

/** What the schema library shows of a schema, as far as it is asked here. */
interface Shown {
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly def: { readonly innerType?: z.ZodType; readonly element?: z.ZodType; readonly options?: readonly z.ZodType[]; readonly values?: readonly unknown[] };
}

/** The options under a schema, by their path; those of a rung have its kind before them, as in `onnx ladder.N.model`. */
function optionsOf(schema: z.ZodType, path: string = ""): [path: string, option: z.ZodType][] {
  const inner = unwrapped(schema);
  if (inner.shape !== undefined) return Object.entries(inner.shape).flatMap(([name, option]) => optionsOf(option, path === "" ? name : `${path}.${name}`));
  const rungs = inner.def.element === undefined ? undefined : unwrapped(inner.def.element).def.options;
  if (rungs === undefined) return [[path, schema]];
  return rungs.flatMap((rung) => {
    const kind = unwrapped((unwrapped(rung).shape as Readonly<Record<string, z.ZodType>>)["kind"] as z.ZodType).def.values?.[0];
    return optionsOf(rung, `${path}.N`).map(([of, option]): [string, z.ZodType] => [`${String(kind)} ${of}`, option]);
  });
}

function unwrapped(schema: z.ZodType): Shown {
  let shown = schema as unknown as Shown;
  while (shown.shape === undefined && shown.def.innerType !== undefined) shown = shown.def.innerType as unknown as Shown;
  return shown;
}

/** Path to default, as they stand in the tables. */
function documented(): [path: string, fallback: string][] {
  let kind = "";
  return text.split("\n").flatMap((line): [string, string][] => {
    if (line.startsWith("#")) kind = /^####? `kind: (\S+)`$/.exec(line)?.[1] ?? "";
    const [, path, fallback] = /^\| `([^`]+\.[^`]+)` \| ([^|]+) \| [^|]+ \|$/.exec(line) ?? [];
    return path === undefined || fallback === undefined ? [] : [[kind === "" ? path : `${kind} ${path}`, fallback]];
  });
}

const options = new Map(optionsOf(configSchema));

/** What the option is where nothing is said of it; `required` and `none` are words of the docs. */
function defaultOf(option: z.ZodType): unknown {
  const { success, data } = option.safeParse(undefined);
  if (!success) return "required";
  return data === undefined ? "none" : { is: data };
}

function saidDefault(option: z.ZodType, fallback: string): unknown {
  const quoted = /^`(.*)`$/.exec(fallback)?.[1];
  return quoted === undefined ? fallback : { is: option.safeParse(parseYaml(quoted)).data };
}

test("the walk through the schema finds what a person knows to be there", () => {
  expect([...options.keys()]).toEqual(expect.arrayContaining(["server.url", "gateway.retry.ratio", "onnx ladder.N.model", "default ladder.N.outputs", "probes.inference.expect", "monitors.actuals.ttl", "alertmanager.labels"]));
  expect(options.size).toBeGreaterThan(90);
});

test("every option is documented, once, and nothing else is", () => {
  expect(documented().map(([path]) => path).sort()).toEqual([...options.keys()].sort());
});

test("each documented default is the true one", () => {
  const said = documented().flatMap(([path, fallback]) => {
    const option = options.get(path);
    return option === undefined ? [] : [[path, saidDefault(option, fallback)]];
  });
  expect(Object.fromEntries(said)).toEqual(Object.fromEntries([...options].map(([path, option]) => [path, defaultOf(option)])));
});

test("the examples are good configs, and the full one has every section", () => {
  const examples = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, example]) => example as string);
  expect(examples.map((example) => parseConfig(example))).toEqual([expect.objectContaining({ ok: true }), expect.objectContaining({ ok: true })]);
  expect(Object.keys(parseYaml(examples[1] as string) as object).sort()).toEqual(Object.keys(configSchema.shape).sort());
});

test("each way to write a value is read, each way not to is refused", () => {
  const row = (kind: string) => new RegExp(`^\\| ${kind} \\| (.*) \\| (.*) \\|$`, "m").exec(text)?.slice(1).map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, value]) => value as string)) ?? [];
  const accepts = (path: string, value: string) => parseConfig("server: { url: http://127.0.0.1:8080 }", [`${path}=${value}`]).ok;
  const rows = [["duration", "gateway.timeout"], ["size", "gateway.bodyMax"], ["ratio", "gateway.reserve"], ["budget of false alarms", "monitors.falseAlarms"], ["text that looks like a number", "monitors.score"]] as const;
  for (const [kind, path] of rows) {
    const [written = [], not = []] = row(kind);
    expect([written.length, not.length].every((count) => count > 0), kind).toBe(true);
    expect(written.map((value) => [value, accepts(path, value)])).toEqual(written.map((value) => [value, true]));
    expect(not.map((value) => [value, accepts(path, value)])).toEqual(not.map((value) => [value, false]));
  }
});

/**
 * The rules of the house that a machine can hold: who may import whom, one clock, no circles. Everything else is taste
 * (docs/ARCHITECTURE.md).
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");

/** Lowest floor first. A file may import from floors below and from its own folder. */
const floors: readonly (readonly RegExp[])[] = [
  [/^detectors\//, /^exporters\/instruments\.ts$/, /^agent\/(clock|lifecycle|listen|log|units|backend|onnx-values|thread|principal|override|review|cel|split)\.ts$/],
  [/^agent\/(observation|judgement|audit|feature-view|trial|rollout-view|retrain-view)\.ts$/, /^agent\/(protocols|forward|featuriser)\//],
  [/^exporters\//, /^agent\/(contract|adapters)\//],
  [/^agent\/(gateway|ladder|rollout|probes|collectors|intake|monitors|failover|reviews|store|api)\//, /^dashboards\//],
  [/^agent\/(config|offline)\//],
  [/^agent\/[a-z-]+\.ts$/],
  [/^agent\/cli\//],
  [/^agent\/main\.ts$/],
];

function floorOf(file: string): number {
  // main.ts stands on the top floor although it lies in agent/.
  if (file === "agent/main.ts") return floors.length - 1;
  return floors.findIndex((rooms) => rooms.some((room) => room.test(file)));
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${folder}/${name.split(sep).join("/")}`)
    .sort();
}

const files = ["agent", "detectors", "exporters", "dashboards"].flatMap(sources);
const text = new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));

/** Repository paths of what a file imports, types included. */
function importsOf(file: string): string[] {
  const found = (text.get(file) ?? "").matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"/g);
  return [...found].map(([, path]) => relative(root, resolve(root, dirname(file), path as string)).split(sep).join("/"));
}

test("every source file stands on a floor", () => {
  expect(files.filter((file) => floorOf(file) < 0)).toEqual([]);
});

test("imports go down a floor or stay in their folder", () => {
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((target) => target.endsWith(".ts") && dirname(target) !== dirname(file) && floorOf(target) >= floorOf(file))
      // A room may have folders of its own; what matters is that it does not enter a sibling's.
      .filter((target) => roomOf(target) !== roomOf(file))
      .map((target) => `${file} -> ${target}`),
  );
  expect(wrong).toEqual([]);
});

function roomOf(file: string): string {
  const [top, room] = file.split("/") as [string, string];
  return top === "agent" ? `agent/${room}` : top;
}

test("detectors import nothing but themselves and simple-statistics", () => {
  const wrong = sources("detectors").flatMap((file) =>
    [...(text.get(file) ?? "").matchAll(/\bfrom\s+"([^"]+)"/g)]
      .map(([, path]) => path as string)
      .filter((path) => path !== "simple-statistics" && !/^\.\.?\//.test(path))
      .map((path) => `${file} -> ${path}`),
  );
  expect(wrong).toEqual([]);
});

test("only the clock knows the time, waits, and throws dice", () => {
  const forbidden = /\b(Date\.now|performance\.now|setTimeout|setInterval|Math\.random|new Date\(\))/;
  const wrong = files
    .filter((file) => file !== "agent/clock.ts")
    .filter((file) => forbidden.test(stripComments(text.get(file) ?? "")));
  expect(wrong).toEqual([]);
});

test("only main.ts knows the process", () => {
  const wrong = files
    .filter((file) => file !== "agent/main.ts")
    .filter((file) => /\bprocess\.(argv|exit|on|env|stdout|stderr|stdin)\b/.test(stripComments(text.get(file) ?? "")));
  expect(wrong).toEqual([]);
});

test("no circles, types included", () => {
  const state = new Map<string, "open" | "done">();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === "done") return;
    if (state.get(file) === "open") {
      circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
      return;
    }
    state.set(file, "open");
    for (const target of importsOf(file)) if (text.has(target)) visit(target, [...path, file]);
    state.set(file, "done");
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});

test("no barrels", () => {
  expect(files.filter((file) => file.endsWith("/index.ts"))).toEqual([]);
});

function stripComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|[^:"'`])\/\/.*$/gm, "$1");
}

/**
 * What the console's page consists of, and where it lies: our own modules beside the sources, and four files of three packages.
 * The bundle has all of it in one folder (deploy/bundle.ts), since there are no packages beside it.
 */
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const required = createRequire(import.meta.url);

/** What is imported by a bare name, and the file that is meant, as it is called in the page's folder. */
export const libraries: readonly { readonly specifier: string; readonly file: string; readonly source: () => string }[] = [
  { specifier: "preact", file: "preact.mjs", source: () => required.resolve("preact") },
  { specifier: "preact/hooks", file: "preact-hooks.mjs", source: () => required.resolve("preact/hooks") },
  { specifier: "htm", file: "htm.mjs", source: () => join(dirname(required.resolve("htm")), "htm.mjs") },
  { specifier: "uplot", file: "uplot.mjs", source: () => required.resolve("uplot/dist/uPlot.esm.js") },
];

const uplotStyles = { file: "uplot.css", source: () => required.resolve("uplot/dist/uPlot.min.css") };

export const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** All files by name; from the sources, or from the folder that the bundle has. Rejects where one is missing. */
export async function readConsoleFiles(): Promise<ReadonlyMap<string, Buffer>> {
  const isBundled = !import.meta.url.endsWith(".ts");
  const folder = fileURLToPath(new URL(isBundled ? "./console/" : "../console/", import.meta.url));
  const own = (await readdir(folder)).filter((name) => extname(name) in types).map((file) => ({ file, source: () => join(folder, file) }));
  const all = isBundled ? own : [...own, ...libraries, uplotStyles];
  return new Map(await Promise.all(all.sort((a, b) => (a.file < b.file ? -1 : 1)).map(async ({ file, source }) => [file, await readFile(source())] as const)));
}

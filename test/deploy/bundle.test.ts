/** What the bundle loads with the daemon. Each of these was megabytes of resident memory once (`npm run bench:memory`). */
import { build, type Metafile } from "esbuild";
import { beforeAll, expect, test } from "vitest";
import { bundleOptions } from "../../deploy/bundle-options.ts";

let outputs: Metafile["outputs"];

beforeAll(async () => {
  outputs = (await build({ ...bundleOptions, write: false, metafile: true })).metafile.outputs;
}, 60_000);

/** All that is loaded with a source file, at once and not on demand. */
function loadedWith(entry: string): readonly string[] {
  const seen = new Set<string>();
  const visit = (name: string): void => {
    const output = outputs[name];
    if (output === undefined || seen.has(name)) return;
    seen.add(name);
    for (const { path, kind } of output.imports) if (kind === "import-statement") visit(path);
  };
  const [start] = Object.entries(outputs).find(([, { inputs, entryPoint }]) => entryPoint === entry || entry in inputs) ?? [];
  if (start === undefined) throw new Error(`${entry} is in no file of the bundle`);
  visit(start);
  return [...seen].flatMap((name) => Object.keys(outputs[name]?.inputs ?? {}));
}

function packagesIn(inputs: readonly string[]): ReadonlySet<string> {
  return new Set(inputs.flatMap((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []));
}

test("the daemon loads OpenTelemetry, rules, tables and what the machine is only when they are asked for", () => {
  const packages = packagesIn(loadedWith("agent/cli/cli.ts"));
  expect(packages).toContain("undici");
  expect([...packages].filter((name) => /^(@opentelemetry\/.*|systeminformation|hyparquet.*|csv-parse|simple-statistics|@marcbachmann\/cel-js|onnxruntime-node)$/.test(name))).toEqual([]);
});

test("of undici the pool is loaded, without fetch, WebSocket and HTTP/2; of zod no translations", () => {
  const inputs = loadedWith("agent/cli/cli.ts");
  expect(inputs.filter((input) => /undici\/(index\.js|lib\/web\/(fetch|websocket|eventsource)\/index)/.test(input))).toEqual([]);
  expect(inputs.filter((input) => /zod\/v4\/locales\/(?!en\.)/.test(input))).toEqual([]);
  const h2 = Object.values(outputs).flatMap(({ inputs: within }) => Object.entries(within).filter(([input]) => input.endsWith("client-h2.js")));
  expect(h2.every(([, { bytesInOutput }]) => bytesInOutput < 200)).toBe(true);
});

test("the analysis thread and the thread of an ONNX rung load no package but simple-statistics and the runtime", () => {
  for (const entry of ["agent/analysis-worker.ts", "agent/ladder/onnx-thread.ts"]) {
    expect([...packagesIn(loadedWith(entry))].filter((name) => name !== "simple-statistics")).toEqual([]);
  }
});

test("a worker of the gateway loads no package but undici", () => {
  expect([...packagesIn(loadedWith("agent/gateway/gateway-worker.ts"))]).toEqual(["undici"]);
});

test("no file of the bundle imports Node's modules by a statement, which would read node:http's WebSocket and load Node's own undici", () => {
  const statements = Object.values(outputs).flatMap(({ imports }) => imports.filter(({ path, kind }) => path.startsWith("node:") && kind === "import-statement"));
  expect(statements).toEqual([]);
});

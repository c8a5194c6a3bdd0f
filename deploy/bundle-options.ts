/** How the command is bundled: its entries, and what is left out because nobody uses it and it would take memory. */
import type { BuildOptions, Plugin } from "esbuild";

const root = new URL("../", import.meta.url);

/**
 * Of packages whose index loads all that they have, the parts that are used. undici's brings WebSocket and fetch (9 MB
 * resident), systeminformation's what it knows of disks, networks and printers, the exporter's the whole SDK.
 */
const partsOf: Readonly<Record<string, string>> = {
  undici: 'export { default as Pool } from "undici/lib/dispatcher/pool.js";',
  "@opentelemetry/exporter-prometheus": `export { PrometheusSerializer } from ${JSON.stringify(new URL("node_modules/@opentelemetry/exporter-prometheus/dist/PrometheusSerializer.mjs", root).pathname)};`,
  systeminformation: 'import { cpu } from "systeminformation/lib/cpu.js"; import { osInfo } from "systeminformation/lib/osinfo.js"; export default { cpu, osInfo };',
};

const onlyTheParts: Plugin = {
  name: "only the parts that are used",
  setup(bundling) {
    bundling.onResolve({ filter: new RegExp(`^(${Object.keys(partsOf).join("|")})$`) }, ({ path, importer, resolveDir }) =>
      importer.includes("node_modules") ? undefined : { path, namespace: "parts", pluginData: resolveDir },
    );
    bundling.onLoad({ filter: /.*/, namespace: "parts" }, ({ path, pluginData }) => ({ contents: partsOf[path] as string, resolveDir: pluginData as string }));
    // forward/pool.ts says `allowH2: false`; reading this file would load node:http2 and TLS (6 MB).
    bundling.onLoad({ filter: /undici\/lib\/dispatcher\/client-h2\.js$/ }, () => ({ contents: "module.exports = undefined;" }));
  },
};

/**
 * An import statement reads every export of one of Node's modules, and reading some of them loads what nobody here uses: `WebSocket`
 * of node:http is Node's own undici, 16 MB resident. `require` reads what is asked for. TLS is loaded with the first use of
 * it: fastify and ws ask for it at the start, and without an https URL nobody uses it: 6 MB. A CommonJS package that stays
 * outside is required too, or the thread would load a parser that looks for its exports: 3 MB.
 */
const nodeAsAskedFor: Plugin = {
  name: "Node's modules as they are asked for",
  setup(bundling) {
    bundling.onResolve({ filter: /^node:/ }, ({ path, kind }) => (kind === "import-statement" ? { path, namespace: "node" } : undefined));
    bundling.onResolve({ filter: /^(node:)?(https|tls|http2)$/ }, ({ path }) => ({ path: `node:${path.replace("node:", "")}`, namespace: "node-on-use" }));
    bundling.onResolve({ filter: /^onnxruntime-node$/ }, ({ path, kind }) => (kind === "import-statement" ? { path, namespace: "required" } : undefined));
    bundling.onLoad({ filter: /.*/, namespace: "required" }, ({ path }) => ({ contents: `module.exports = require(${JSON.stringify(path)});` }));
    bundling.onLoad({ filter: /.*/, namespace: "node" }, ({ path }) => ({ contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});` }));
    bundling.onLoad({ filter: /.*/, namespace: "node-on-use" }, async ({ path }) => ({
      contents: Object.keys((await import(path)).default).map((name) => `Object.defineProperty(exports, "${name}", { enumerable: true, get: () => process.getBuiltinModule(${JSON.stringify(path)}).${name} });`).join("\n"),
    }));
  },
};

export const bundleOptions = {
  absWorkingDir: root.pathname,
  entryPoints: {
    pilotfish: "agent/main.ts",
    "analysis-worker": "agent/analysis-worker.ts",
    "gateway-worker": "agent/gateway/gateway-worker.ts",
    "onnx-thread": "agent/ladder/onnx-thread.ts",
    "nvml-process": "agent/collectors/gpu/nvml-process.ts",
    "example-server": "examples/server/server.ts",
  },
  outdir: new URL("dist/", root).pathname,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  platform: "node",
  format: "esm",
  target: "node26",
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "linked",
  external: ["koffi", "onnxruntime-node"],
  plugins: [onlyTheParts, nodeAsAskedFor],
  // What was written for CommonJS asks for `require` at run time.
  banner: { js: 'import { createRequire as requireFor } from "node:module"; const require = requireFor(import.meta.url);' },
  logLevel: "warning",
} as const satisfies BuildOptions;

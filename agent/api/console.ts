/**
 * The console's page and its files, open to all: there is no data in them, which the page asks the API for. Nothing is built: modules
 * go out as they were written, compressed when they are first asked for. A file is known by its digest, so a browser keeps it for
 * ever and another version of it has another address; the page itself, which names them, is asked for each time.
 */
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Log } from "../log.ts";
import { libraries, readConsoleFiles, types } from "./console-files.ts";
import { guarded, sendProblem, type OpenRoute } from "./open-routes.ts";

const compress = promisify(gzip);
const folder = "/console/";
const page = "index.html";

interface Served {
  readonly type: string;
  readonly etag: string;
  readonly bytes: Buffer;
  zipped?: Promise<Buffer>;
}

interface Site {
  readonly files: ReadonlyMap<string, Served>;
  readonly policy: string;
}

/** Reads nothing until the page is asked for. */
export function consolePages(log: Log): Readonly<Record<string, OpenRoute>> {
  let site: Promise<Site> | undefined;
  const serve = guarded(log, async (request, response) => {
    site ??= readSite();
    site.catch(() => (site = undefined));
    const { files, policy } = await site;
    const [path = "/", version] = (request.url ?? "/").split("?v=");
    const name = path === "/" ? page : path.slice(folder.length);
    const file = files.get(name);
    if (file === undefined || (name === page && path !== "/")) return sendProblem(response, 404, "the console has no such file");
    if (name === page) response.setHeader("content-security-policy", policy);
    await send(request, response, file, version === digestOf(file) ? "public, max-age=31536000, immutable" : "no-cache");
  });
  return { "/": serve, [`${folder}*`]: serve };
}

async function send(request: IncomingMessage, response: ServerResponse, file: Served, caching: string): Promise<void> {
  const headers = {
    etag: file.etag,
    "cache-control": caching,
    vary: "accept-encoding",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
  };
  if (request.headers["if-none-match"]?.includes(file.etag) === true) return void response.writeHead(304, headers).end();
  const isZipped = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
  const body = isZipped ? await (file.zipped ??= compress(file.bytes, { level: 9 })) : file.bytes;
  response.writeHead(200, { ...headers, "content-type": file.type, "content-length": body.length, ...(isZipped && { "content-encoding": "gzip" }) }).end(body);
}

async function readSite(): Promise<Site> {
  const files = new Map<string, Served>();
  for (const [name, bytes] of await readConsoleFiles()) files.set(name, served(name, bytes));
  const address = (name: string): string => `${folder}${name}?v=${digestOf(files.get(name) as Served)}`;
  const modules = [...files.keys()].filter((name) => /\.m?js$/.test(name));
  // Modules name each other without a version; the map sends each name to the version that is served.
  const map = JSON.stringify({
    imports: {
      ...Object.fromEntries(libraries.map(({ specifier, file }) => [specifier, address(file)])),
      ...Object.fromEntries(modules.map((name) => [folder + name, address(name)])),
    },
  });
  const template = files.get(page)?.bytes.toString() ?? "";
  const preloads = modules.map((name) => `<link rel="modulepreload" href="${address(name)}">`).join("\n");
  const html = template
    .replace("<!-- modules -->", () => `<script type="importmap">${map}</script>\n${preloads}`)
    .replaceAll(/\{\{([\w.-]+)\}\}/g, (_, name: string) => address(name));
  files.set(page, served(page, Buffer.from(html)));
  return { files, policy: policyFor(map) };
}

/** Nothing but our own files, and of scripts in the page the map alone; nobody may frame it, and no text becomes HTML. */
function policyFor(map: string): string {
  const hash = createHash("sha256").update(map).digest("base64");
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");
}

function served(name: string, bytes: Buffer): Served {
  const etag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
  return { type: types[extname(name)] as string, etag, bytes };
}

function digestOf({ etag }: Served): string {
  return etag.slice(1, -1);
}

/** The console's files as they go out: what a browser may keep, what it may load, and that there is nothing of the model in them. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { consolePages } from "../../agent/api/console.ts";
import { libraries, readConsoleFiles } from "../../agent/api/console-files.ts";
import { silent } from "../../agent/log.ts";
import { ask, stage } from "./stage.ts";

const on = stage();
const open = async () => (await on.open({ tokenFile: on.file("token", "0123456789-secret-token") }, { pages: consolePages(silent) })).port;

test("page and files need no token and no other host; the data behind them does", async () => {
  const port = await open();
  const page = await ask(port, "/");
  expect(page.status).toBe(200);
  expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
  expect((await ask(port, "/v1/features")).status).toBe(401);
  const addresses = [...page.text.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, address]) => address as string);
  expect(addresses.length).toBeGreaterThan(libraries.length);
  for (const address of addresses) {
    expect(address).toMatch(/^\/console\/[\w.-]+\?v=[\w-]{22}$/);
    const file = await ask(port, address);
    expect(file.status, address).toBe(200);
    expect(file.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
  }
});

test("the policy lets the page run its own files and the one import map, whose digest it names", async () => {
  const { headers, text } = await ask(await open(), "/");
  const map = /<script type="importmap">(.*?)<\/script>/.exec(text)?.[1] ?? "";
  const policy = String(headers["content-security-policy"]);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain(`script-src 'self' 'sha256-${createHash("sha256").update(map).digest("base64")}'`);
  expect(policy).not.toContain("unsafe");
  expect(text.replace(map, "")).not.toMatch(/<script(?![^>]* src=)(?![^>]*importmap)|\son\w+=|style=/);
  const { imports } = JSON.parse(map) as { imports: Record<string, string> };
  expect(Object.keys(imports)).toEqual(expect.arrayContaining(["preact", "preact/hooks", "htm", "uplot", "/console/app.js"]));
});

test("what is known is not sent again, what is sent is compressed, and what is not there is a problem", async () => {
  const port = await open();
  const page = await ask(port, "/");
  expect(page.headers["cache-control"]).toBe("no-cache");
  expect((await ask(port, "/", { headers: { "if-none-match": String(page.headers.etag) } })).status).toBe(304);
  expect((await ask(port, "/console/app.js?v=of-another-version")).headers["cache-control"]).toBe("no-cache");
  const response = await fetch(`http://127.0.0.1:${port}/console/app.js`, { headers: { "accept-encoding": "gzip" } });
  expect(response.headers.get("content-encoding")).toBe("gzip");
  expect(await response.text()).toBe(readFileSync("agent/console/app.js", "utf8"));
  for (const path of ["/console/missing.js", "/console/..%2fapi%2fapi.ts", "/console/tsconfig.json", "/console/index.html"]) {
    expect((await ask(port, path)).status, path).toBe(404);
  }
  expect((await ask(port, "/", { method: "POST" })).status).toBe(405);
});

test("nothing in our own files makes HTML of text or names another host", async () => {
  const files = await readConsoleFiles();
  const own = [...files].filter(([name]) => name.endsWith(".js"));
  expect(own.length).toBeGreaterThan(10);
  for (const [name, bytes] of own) {
    expect(bytes.toString(), name).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySetInnerHTML|eval\(|https?:\/\/(?!www\.w3\.org)/);
  }
});

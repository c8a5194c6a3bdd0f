/**
 * Chromium for the tests of the console: the system's, by playwright-core. What a page asks for, says and breaks is kept, and
 * pictures of it go to a folder that a run may keep.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { root } from "./processes.ts";

const paths = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = paths.find((path) => path !== undefined && existsSync(path));

/** With PILOTFISH_REAL=1 nothing counts as missing, so the tests run and fail at the first page. */
export const missing = executablePath === undefined && process.env["PILOTFISH_REAL"] !== "1";
if (missing) console.warn("Chromium is not installed: the console is not looked at. Install it (Debian: chromium) or name it in CHROMIUM.");

export const pictures = join(root, "test-results/console");

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: executablePath ?? "chromium", args: ["--no-sandbox", "--disable-gpu"] });
}

export interface Looking {
  readonly page: Page;
  /** Errors of the console and of scripts. What the network refuses is the tests' doing and is not among them. */
  readonly errors: string[];
  /** Bytes as they came over the wire, heads too. */
  readonly bytes: () => number;
  readonly picture: (name: string) => Promise<void>;
}

export async function look(browser: Browser, options: BrowserContextOptions = {}): Promise<Looking> {
  const context = await browser.newContext({ viewport: { width: 1_440, height: 900 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const errors: string[] = [];
  let bytes = 0;
  page.on("console", (message) => void (message.type() === "error" && !/ERR_|Failed to load resource/.test(message.text()) && errors.push(message.text())));
  page.on("pageerror", (error) => void errors.push(String(error)));
  const client = await context.newCDPSession(page);
  await client.send("Network.enable");
  client.on("Network.loadingFinished", ({ encodedDataLength }) => void (bytes += encodedDataLength));
  mkdirSync(pictures, { recursive: true });
  return {
    page,
    errors,
    bytes: () => bytes,
    async picture(name) {
      await page.evaluate("scrollTo(0, 0)");
      await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
    },
  };
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe-core finds wrong with the page as it is: the rule, and where. */
export async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe: run } = globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[] }> } };
    const found = await run.run();
    return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${(failureSummary ?? "").slice(0, 300)}`));
  });
}

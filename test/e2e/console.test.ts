/**
 * The console as a person on call has it: a browser before a real daemon. Pictures of what was seen are kept in test-results/console.
 */
import { writeFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { readRows } from "../../examples/employment/rows.ts";
import { aborted, begunAt, harmful, notWorse, rolloutStandIn, view } from "../rollout/stand-in.ts";
import { look, missing, openBrowser, violations, type Looking } from "./browser.ts";
import { consoleWith } from "./console-stand-in.ts";
import { addresses, listeners, runExample, set, startPilotfish, startServer, stateAt, status } from "./pilotfish.ts";
import { stageForTest } from "./processes.ts";
import { startTraffic } from "./traffic.ts";
import { markup, wideReference, wideRequest, wideServer } from "./wide-model.ts";

const firstPaintMaxMs = 1_000;
const bytesMax = 300_000;

const statusOf = (page: Page) => page.getByTestId("status");

/** What the figures of the closing note come from. */
const firstPaint = (page: Page) => page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN);

/** Light and dark: a picture of each, and nothing that axe-core finds wrong in either. */
async function sound({ page, picture }: Looking, view: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await picture(`${view}-${colorScheme}`);
    expect(await violations(page), `${view}, ${colorScheme}`).toEqual([]);
  }
}

test.skipIf(missing)("an incident on the console: seen, overridden by keyboard, reviewed; and a sidecar that is gone is not shown as healthy", async () => {
  const stage = await stageForTest();
  const at = await addresses();
  const server = await startServer(stage, at);
  const unsure = ["confidence.accept=0.9", "confidence.below=review"];
  const pilotfish = await startPilotfish(stage, at, runExample(at, unsure));
  const [steady, drifted] = [await readRows("steady"), await readRows("drifted")];
  const traffic = startTraffic(at.gateway, { perSecond: 30, batch: 5 }, steady);
  stage.later(() => traffic.stop());
  await status(stage, at, "healthy", 20_000);

  const browser = await openBrowser();
  stage.later(() => browser.close());
  const looking = await look(browser, { colorScheme: "light" });
  const { page, errors } = looking;
  await page.goto(at.api);
  await statusOf(page).getByText("Healthy").waitFor();
  await page.locator(".feature .histogram svg, .plot canvas").first().waitFor();
  // Live by the stream of signals, not by asking alone.
  await expect.poll(() => page.getByTestId("link").textContent()).toMatch(/live \d/);
  const [paintMs, bytes] = [await firstPaint(page), looking.bytes()];
  console.log(`console: first paint after ${Math.round(paintMs)} ms, ${bytes} bytes`);
  expect(paintMs).toBeLessThan(firstPaintMaxMs);
  expect(bytes).toBeLessThan(bytesMax);
  await sound(looking, "healthy");

  // A review is answered, and what was said goes the way of an actual.
  const review = page.locator(".review").first();
  await review.waitFor();
  const question = await review.locator(".note").textContent();
  await review.getByRole("textbox").fill("1, 0, 1, 0, 1");
  await review.getByRole("textbox").press("Enter");
  await page.locator(".said.shown", { hasText: "Answered." }).waitFor();
  await expect.poll(() => page.locator(".review .note").allTextContents()).not.toContain(question);

  // Pinned and released with the keyboard alone.
  await page.locator("body").press("p");
  await page.getByRole("dialog").waitFor();
  await sound(looking, "pin");
  await page.keyboard.type(`maintenance ${markup}`);
  await page.keyboard.press("Enter");
  await page.getByTestId("override").getByText(`maintenance ${markup}`).waitFor();
  await statusOf(page).getByText("Isolated").waitFor();
  expect(await stateAt(at)).toMatchObject({ rung: "onnx", reason: "override" });
  await looking.picture("pinned");
  await page.locator("body").press("r");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.type("done");
  await page.keyboard.press("Enter");
  await page.getByTestId("override").waitFor({ state: "detached" });
  await statusOf(page).getByText("Healthy").waitFor();

  // A reason is asked for, and the keys are listed.
  await page.locator("body").press("d");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Enter");
  await page.getByText("Say why").waitFor();
  await page.keyboard.press("Escape");
  await page.locator("body").press("?");
  await page.getByRole("heading", { name: "Keys" }).waitFor();
  await sound(looking, "keys");
  await page.keyboard.press("Escape");

  // The inputs drift: the features say which.
  traffic.switchTo(drifted);
  await statusOf(page).getByText("Degraded").waitFor({ timeout: 40_000 });
  await page.locator("body").press("5");
  await page.locator(".feature .histogram svg").nth(5).waitFor();
  // By the keyboard, as a person gets there: the filter, perhaps the list, which scrolls, and its first line.
  await stage.eventually("the first line has the focus", 5_000, async () => {
    await page.keyboard.press("Tab");
    return page.evaluate("document.activeElement.matches('.feature-line')");
  });
  await page.keyboard.press("Enter");
  await page.locator(".histogram.large").waitFor();
  await sound(looking, "drifted");

  // The model server is killed.
  await server.end("SIGKILL");
  await statusOf(page).getByText("Failed").waitFor({ timeout: 10_000 });
  await page.getByTestId("rung").getByText("onnx").waitFor();
  await sound(looking, "failed");

  const phone = await look(browser, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
  await phone.page.goto(at.api);
  await statusOf(phone.page).getByText("Failed").waitFor();
  await phone.page.locator(".feature").first().scrollIntoViewIfNeeded();
  await sound(phone, "phone");
  expect(await phone.page.evaluate("[innerWidth, document.documentElement.scrollWidth]")).toEqual([360, 360]);

  // Nothing is heard of a sidecar that hangs, and it is not shown as what it was.
  pilotfish.signal("SIGSTOP");
  await page.getByRole("alert").getByText("No word from Pilotfish").waitFor({ timeout: 15_000 });
  await statusOf(page).getByText("Unknown").waitFor();
  await sound(looking, "lost");
  pilotfish.signal("SIGCONT");
  await statusOf(page).getByText("Failed").waitFor({ timeout: 15_000 });
  expect([...errors, ...phone.errors]).toEqual([]);
}, 180_000);

test.skipIf(missing)("two hundred features: the one that moved is on top, its name is text and no markup, and all of them can be scrolled through", async () => {
  const stage = await stageForTest();
  const at = await addresses();
  const url = await wideServer(stage);
  const settings = [...listeners(at), "model.name=wide", `model.reference=${await wideReference(stage)}`, "gateway.sample.ratio=1"];
  await startPilotfish(stage, at, ["run", "--server", url, ...set(settings)]);
  for (let seed = 1; seed <= 24; seed += 1) {
    const response = await fetch(`${at.gateway}/v2/models/wide/infer`, { method: "POST", headers: { "content-type": "application/json" }, body: wideRequest(seed) });
    expect(response.status).toBe(200);
    await response.arrayBuffer();
  }

  const browser = await openBrowser();
  stage.later(() => browser.close());
  const looking = await look(browser, { colorScheme: "light" });
  const { page, errors } = looking;
  await page.goto(at.api);
  const rows = page.locator(".feature:not([data-name^='row.'])");
  await expect.poll(() => rows.count(), { timeout: 15_000 }).toBe(200);
  // Once all of it is analysed their order stays.
  await page.getByText(`${24 * 64} rows in the window`).waitFor();
  expect(await rows.first().locator(".feature-name").textContent()).toBe(markup);
  expect(await page.locator("#features img").count()).toBe(0);
  expect(await page.title()).toBe("Pilotfish");

  await rows.last().scrollIntoViewIfNeeded();
  await rows.last().locator(".histogram svg").waitFor();
  await rows.first().scrollIntoViewIfNeeded();
  await rows.first().locator(".histogram svg").waitFor();
  await sound(looking, "wide");
  await page.locator("body").press("/");
  await page.keyboard.type("feature_199");
  await expect.poll(() => rows.count()).toBe(1);
  expect(errors).toEqual([]);
}, 120_000);

test.skipIf(missing)("where tokens are configured the page asks for one, and shows nothing without", async () => {
  const stage = await stageForTest();
  const at = await addresses();
  const token = stage.path("token");
  writeFileSync(token, "correct-horse-battery-staple-0123456789\n");
  await startPilotfish(stage, at, ["run", "--server", await wideServer(stage), ...set([...listeners(at), `api.tokenFile=${token}`])]);
  const browser = await openBrowser();
  stage.later(() => browser.close());
  const looking = await look(browser);
  const { page, errors } = looking;
  await page.goto(at.api);
  await page.getByRole("heading", { name: "asks for a token" }).waitFor();
  await sound(looking, "locked");
  await page.getByLabel("Token").fill("wrong");
  await page.getByRole("button", { name: "Open the console" }).click();
  await page.getByRole("heading", { name: "asks for a token" }).waitFor();
  await page.getByLabel("Token").fill("correct-horse-battery-staple-0123456789");
  await page.getByRole("button", { name: "Open the console" }).click();
  await statusOf(page).getByText("Healthy").waitFor();
  expect(page.url()).not.toContain("correct");
  expect(errors).toEqual([]);
}, 60_000);

test.skipIf(missing)("a rollout on the console: started and aborted with the keyboard alone, and readable in each of its states", async () => {
  const stage = await stageForTest();
  const { controls, decided, set: show, refuse } = rolloutStandIn(undefined, () => Date.now());
  const url = await consoleWith(stage, controls);
  const browser = await openBrowser();
  stage.later(() => browser.close());
  const looking = await look(browser, { colorScheme: "light" });
  const { page, errors } = looking;
  const phase = page.getByTestId("rollout-phase");
  await page.goto(url);
  await page.locator("#rollout").getByText("No candidate has been tried").waitFor();
  await sound(looking, "rollout-none");

  // What can not be tried is refused, each reason on a line of its own; what was typed is still there.
  refuse({ ok: false, why: "unfit", detail: "version 2 can not be tried", problems: ["it lacks the output income", `AGEP is FP64 there ${markup}`] });
  await page.locator("body").press("s");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.type("2");
  await page.getByLabel("Reason").press("Enter");
  await page.getByText("Say why").waitFor();
  await page.getByLabel("Reason").focus();
  await page.keyboard.type(`trained on May ${markup}`);
  await page.keyboard.press("Enter");
  await expect.poll(() => page.getByRole("alert").getByRole("listitem").allTextContents()).toEqual(["it lacks the output income", `AGEP is FP64 there ${markup}`]);
  await sound(looking, "rollout-refused");
  refuse(undefined);
  await page.keyboard.press("Enter");
  await phase.getByText("Trying").waitFor();
  expect(decided.at(-1)).toMatchObject({ what: "start", asked: { candidate: { version: "2" }, reason: `trained on May ${markup}` } });

  await page.locator("body").press("m");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.type("sound");
  await page.keyboard.press("Enter");
  await page.locator("#rollout [aria-current=step]").getByText("50 %").waitFor();
  await page.locator("body").press("a");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.type("odd answers");
  await page.keyboard.press("Enter");
  await phase.getByText("Aborted").waitFor();
  expect(decided.slice(-2)).toMatchObject([{ what: "promote", reason: "sound" }, { what: "abort", reason: "odd answers" }]);
  await page.locator("body").press("a");
  await page.locator(".said.shown", { hasText: "is over" }).waitFor();

  // As others change it, within seconds.
  const atMs = Date.now() - 45_000;
  const over = { holdUntilWallMs: undefined, timeBoxUntilWallMs: undefined };
  const states = {
    Trying: view({ name: `version 2 ${markup}` }),
    "A person decides": view({ phase: "asking", reason: "harm", reading: harmful }),
    Aborted: aborted,
    Promoted: view({ ...over, phase: "promoted", reason: "not-worse", weight: 1, step: 2, reading: notWorse }),
  };
  for (const [word, one] of Object.entries(states)) {
    show(begunAt(one, atMs));
    await phase.getByText(word).waitFor({ timeout: 10_000 });
    await sound(looking, `rollout-${one.phase}`);
  }
  show(begunAt(aborted, atMs));
  await phase.getByText("Aborted").waitFor({ timeout: 10_000 });
  const rows = await page.locator("#rollout [role=row]").allTextContents();
  expect(rows[1]?.replaceAll(/\s+/g, " ")).toContain("3.1 of 2.3+48 points +31 to +62");
  expect(await page.locator(".actuations li").allTextContents()).toMatchObject([expect.stringMatching(/failed.*repository unload, 3 attempts/s), expect.stringMatching(/done.*weights/s)]);
  expect(await page.locator("#rollout img").count()).toBe(0);

  const phone = await look(browser, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
  await phone.page.goto(url);
  await phone.page.getByTestId("rollout-phase").getByText("Aborted").waitFor();
  await sound(phone, "rollout-phone");
  expect(await phone.page.evaluate("[innerWidth, document.documentElement.scrollWidth]")).toEqual([360, 360]);
  expect([...errors, ...phone.errors]).toEqual([]);
}, 120_000);

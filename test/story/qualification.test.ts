/**
 * Rungs are tried before they are needed: the whole agent before a real model on real census rows. The candidate of the
 * example with exchanged columns (version 3) is a rung that would answer badly; the small regression is one that would not.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { readRows, type CensusRow } from "../../examples/employment/rows.ts";
import { censusServer, configOf, fileOf, Opened, swim } from "./census.ts";

const opened = new Opened();
afterEach(() => opened.close());

const faulty = `{ kind: onnx, name: faulty, model: "${fileOf("models/employment/3/model.onnx")}" }`;
const small = `{ kind: onnx, name: small, model: "${fileOf("fallback.onnx")}" }`;
const constant = "{ kind: default, outputs: { label: 1, probabilities: [0.45, 0.55] } }";
const rows = await readRows("steady");

type Swim = Awaited<ReturnType<typeof swim>>;

/** One row a request, copies answered before the next, until it is so; how many it took. */
async function ask({ clock, infer, copies, settled }: Swim, rungs: readonly string[], isSo: () => Promise<boolean>, each?: (id: string, row: readonly CensusRow[]) => Promise<unknown>): Promise<number> {
  for (let i = 0; i < 1_500; i += 1) {
    const row = rows.slice(i, i + 1);
    const reply = await infer(row, `row-${i}`);
    expect(reply.headers["pilotfish-rung"]).toBe("primary");
    await settled(async () => (await Promise.all(rungs.map((rung) => copies(rung, "asked")))).every((asked) => asked > i), 0);
    await each?.(`row-${i}`, row);
    clock.advance(1_100);
    if (await isSo()) return i + 1;
  }
  throw new Error("it did not come to that");
}

test("a candidate with exchanged columns is found out by copies, and when the primary dies the next rung answers", async () => {
  const server = await censusServer(opened, "models/employment/1/model.onnx");
  const agent = await swim(opened, server, `ladder: [${faulty}, ${small}, ${constant}]\nqualification: { ratio: 1, perSecond: 1000 }`);
  const copies = await ask(agent, ["faulty", "small"], async () => (await agent.price("faulty"))?.standing === "ineligible");
  expect(copies).toBeGreaterThanOrEqual(20);
  expect(copies).toBeLessThan(400);
  expect((await agent.price("small"))?.standing).not.toBe("ineligible");
  expect(await agent.metrics()).toMatch(/^pilotfish_rung_eligible\{rung="faulty"\} 0$/m);
  expect(agent.told.find(({ message }) => message.startsWith("the rung faulty"))).toMatchObject({ level: "warn", message: expect.stringMatching(/^the rung faulty agrees with the primary in 7\d % of \d+ answers \(at least 90 % asked\): it is not asked until/) });

  server.mood = "failing";
  for (let i = 0; i < 4; i += 1) {
    expect((await agent.infer(rows.slice(0, 1), `after-${i}`)).headers["pilotfish-rung"]).toBe("small");
  }
  expect((await agent.state()).rung).toBe("small");
});

test("actuals decide where agreement can not: a rung that is right as often as a broken primary is qualified, however often they differ", async () => {
  // The primary itself is the candidate with the mistake, so whoever agrees with it is wrong with it.
  const server = await censusServer(opened, "models/employment/3/model.onnx");
  const agent = await swim(opened, server, `ladder: [${small}, ${constant}]\nmonitors: { prediction: label }\nqualification: { ratio: 1, perSecond: 1000, dwell: 1s }`);
  const was = new Set<string | undefined>();
  const isQualified = async () => was.add((await agent.price("small"))?.standing).has("qualified");
  await ask(agent, ["small"], isQualified, agent.actual);
  const price = await agent.price("small");
  expect(price?.agreement).toBeLessThan(0.9);
  expect(price?.accuracy).toBeGreaterThan(price?.primaryAccuracy ?? 1);
  expect(price?.message).toMatch(/^is right in \d+ % of \d+ answers whose actuals came, the primary in \d+ %/);
  expect(await agent.metrics()).toMatch(/^pilotfish_rung_accuracy_ratio\{rung="primary"\} 0\.\d+$/m);
});

test("what is known of the rungs outlives a restart, and a rung that is only told about is asked all the same", async () => {
  const server = await censusServer(opened, "models/employment/1/model.onnx");
  const folder = mkdtempSync(join(tmpdir(), "qualification-"));
  opened.add(() => rmSync(folder, { recursive: true }));
  const more = `ladder: [${faulty}, ${constant}]\nstore: { path: ${join(folder, "state.db")} }\nqualification: { ratio: 1, perSecond: 1000, rungs: { faulty: { enforce: false } } }`;
  const before = new Opened();
  const first = await swim(before, server, more);
  await ask(first, ["faulty"], async () => (await first.price("faulty"))?.standing === "ineligible");
  const known = await first.price("faulty");
  await before.close();

  const second = await swim(opened, server, more);
  await second.settled(async () => (await second.price("faulty")) !== null, 100);
  expect(await second.price("faulty")).toEqual(known);
  server.mood = "failing";
  expect((await second.infer(rows.slice(0, 1), "one")).headers["pilotfish-rung"]).toBe("faulty");
});

test("the last rung of all is not asked where it would answer badly: the client hears so, with the reason", async () => {
  const server = await censusServer(opened, "models/employment/1/model.onnx");
  const agent = await swim(opened, server, `ladder: [${faulty}]\nqualification: { ratio: 1, perSecond: 1000 }`);
  await ask(agent, ["faulty"], async () => (await agent.price("faulty"))?.standing === "ineligible");
  server.mood = "failing";
  const { status, headers, body } = await agent.infer(rows.slice(0, 1), "one");
  expect({ status, reason: headers["pilotfish-reason"] }).toEqual({ status: 500, reason: "error" });
  expect(body).toEqual({ error: "broken" });
});

test("a constant is measured like any rung, and stays the last resort that a person chose", async () => {
  const server = await censusServer(opened, "models/employment/1/model.onnx");
  const agent = await swim(opened, server, `ladder: [${constant}]\nqualification: { ratio: 1, perSecond: 1000 }`);
  await ask(agent, ["default"], async () => (await agent.price("default"))?.standing === "ineligible");
  expect(agent.told.find(({ message }) => message.startsWith("the rung default"))?.message).toMatch(/it is asked all the same, as configured$/);
  server.mood = "failing";
  expect((await agent.infer(rows.slice(0, 1), "one")).headers["pilotfish-rung"]).toBe("default");
});

test("no client waits for a copy: all have their answers while a rung hangs on the first one, and what does not fit is let go and counted", async () => {
  const server = await censusServer(opened, "models/employment/1/model.onnx");
  const hanging: (() => void)[] = [];
  const shadows: unknown[] = [];
  const other = createServer((request, response) => {
    shadows.push(request.headers["pilotfish-shadow"]);
    request.resume();
    hanging.push(() => response.end("late"));
  });
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  opened.add(() => {
    other.closeAllConnections();
    other.close();
  });
  const agent = await swim(opened, server, `ladder: [{ kind: replica, urls: ["http://127.0.0.1:${(other.address() as AddressInfo).port}"] }]\nqualification: { ratio: 1, perSecond: 1000 }`);
  for (let i = 0; i < 20; i += 1) {
    const reply = await agent.infer(rows.slice(i, i + 1), `row-${i}`);
    expect({ status: reply.status, rung: reply.headers["pilotfish-rung"] }).toEqual({ status: 200, rung: "primary" });
  }
  await agent.settled(() => hanging.length > 0, 0);
  expect(shadows).toEqual(["replica"]);
  expect(await agent.copies("replica", "busy")).toBe(19);
  // It ends with the rung's own time, and the next copy may go.
  agent.clock.advance(2_000);
  await agent.settled(async () => (await agent.copies("replica", "asked")) === 1, 0);
  await agent.infer(rows.slice(20, 21), "row-20");
  await agent.settled(() => hanging.length === 2, 0);
});

test("a reload keeps what is known of a rung that stays as it is; one that bears its name and is another begins anew", async () => {
  const server = await censusServer(opened, "models/employment/1/model.onnx");
  const ladderOf = (rung: string) => `ladder: [${rung}, ${constant}]\nqualification: { ratio: 1, perSecond: 1000 }`;
  const agent = await swim(opened, server, ladderOf(faulty));
  await ask(agent, ["faulty"], async () => (await agent.price("faulty"))?.standing === "ineligible");
  const answeredBy = async (id: string) => (await agent.infer(rows.slice(0, 1), id)).headers["pilotfish-rung"];
  const reload = (rung: string) => agent.agent.reload(configOf(server, ladderOf(rung)));

  await reload(faulty);
  server.mood = "failing";
  expect(await answeredBy("kept")).toBe("default");
  await reload(`{ kind: onnx, name: faulty, model: "${fileOf("fallback.onnx")}" }`);
  expect(await agent.price("faulty")).toBeNull();
  expect(await answeredBy("another")).toBe("faulty");
});

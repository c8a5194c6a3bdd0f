/** What a kill -9 of the sidecar leaves: the next run knows what the one before knew, and a broken state file stops nothing. */
import { readdirSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { readRows } from "../../examples/employment/rows.ts";
import { stageForTest, type Stage } from "./processes.ts";
import { addresses, infer, metricsText, runExample, startPilotfish, startServer, stateAt, status, type Addresses, type State } from "./pilotfish.ts";

const rows = await readRows("steady");

/** Sends batches of 50 rows. */
async function send(at: Addresses, batches: number): Promise<void> {
  for (let i = 0; i < batches; i += 1) expect((await infer(at, rows.slice(50 * i, 50 * (i + 1)))).status).toBe(200);
}

/** Kept once the state has the row count in its window. */
function analysed(stage: Stage, at: Addresses, count: number): Promise<State> {
  return stage.eventually(`${count} rows in the window`, 10_000, async () => {
    const state = await stateAt(at);
    return state.window === count && state;
  });
}

test("killed while failed over, it comes back failed over before it has asked anybody, with all evidence, and fails back by itself", async () => {
  const stage = await stageForTest();
  const at = await addresses();
  const args = runExample(at, [`store.path=${stage.path("state.sqlite")}`, "monitors.snapshot=200ms", "failover.dwell=5s"]);
  const server = await startServer(stage, at);
  const first = await startPilotfish(stage, at, args);
  await status(stage, at, "healthy", 5_000);
  await send(at, 20);

  await server.end("SIGKILL");
  const failed = await status(stage, at, "failed", 5_000);
  expect((await infer(at, rows.slice(0, 50))).rung).toBe("onnx");
  const before = await analysed(stage, at, 1_050);
  // Longer than a snapshot's interval, so that all of it was kept.
  await sleep(500);
  expect(await first.end("SIGKILL")).toBe("SIGKILL");

  // The server is well by now, so that only what was kept can say that it is not.
  await startServer(stage, at);
  const second = await startPilotfish(stage, at, args);
  const after = await stateAt(at);
  expect(after).toMatchObject({ status: "failed", rung: "onnx", reason: failed.reason, cause: failed.cause });
  expect((await infer(at, rows.slice(0, 50))).rung).toBe("onnx");

  const restored = await analysed(stage, at, 1_100);
  expect(restored.analysed).toEqual({ analysed: 50 });
  expect(before.evidence.log10).toBeTypeOf("number");
  expect(Object.keys(restored.evidence.features)).toEqual(Object.keys(before.evidence.features));
  expect(restored.notes).toEqual([]);
  expect(await metricsText(at)).toContain('pilotfish_failover_state{model="employment",state="failed"} 1');

  await status(stage, at, "healthy", 15_000);
  expect(second.said("the primary is").map(({ from, to }) => [from, to])).toEqual([["failed", "probation"], ["probation", "healthy"]]);
  expect((await infer(at, rows.slice(0, 1))).rung).toBe("primary");
}, 60_000);

test("evidence goes on where it was: with no traffic in between it is the same number before the kill and after", async () => {
  const stage = await stageForTest();
  const at = await addresses();
  const args = runExample(at, [`store.path=${stage.path("state.sqlite")}`, "monitors.snapshot=200ms"]);
  await startServer(stage, at);
  const first = await startPilotfish(stage, at, args);
  await send(at, 10);
  await analysed(stage, at, 500);
  await sleep(500);
  const before = await stateAt(at);
  await first.end("SIGKILL");

  await startPilotfish(stage, at, args);
  const after = await analysed(stage, at, 500);
  expect(after.evidence).toEqual(before.evidence);
}, 60_000);

const broken: readonly { readonly how: string; readonly spoil: (file: string) => Promise<void> }[] = [
  {
    how: "is no database at all",
    spoil: async (file) => writeFileSync(file, "this was a state file once\n".repeat(500)),
  },
  {
    how: "has pages overwritten",
    async spoil(file) {
      const handle = await open(file, "r+");
      const { size } = await handle.stat();
      // The header stays, so that it still looks like one of ours.
      await handle.write(Buffer.alloc(size - 1_024, 0xa5), 0, size - 1_024, 1_024);
      await handle.close();
    },
  },
];

test.each(broken)("a state file that $how is set aside under a name that the log gives, and a fresh one begun", async ({ spoil }) => {
  const stage = await stageForTest();
  const at = await addresses();
  const file = stage.path("state.sqlite");
  const args = runExample(at, [`store.path=${file}`]);
  await startServer(stage, at);
  const first = await startPilotfish(stage, at, args);
  await send(at, 10);
  await analysed(stage, at, 500);
  // Ended in good order, so that everything is in the one file.
  expect(await first.end("SIGTERM")).toBe(0);
  await spoil(file);

  const second = await startPilotfish(stage, at, args);
  const [warning] = await stage.eventually("the log tells", 5_000, () => {
    const said = second.said("the state file was corrupt");
    return said.length > 0 && said;
  });
  const aside = String(warning?.["aside"]);
  expect(warning).toMatchObject({ level: "warn", file });
  expect(aside.startsWith(`${file}.corrupt-`)).toBe(true);
  expect(readdirSync(stage.folder)).toContain(aside.slice(stage.folder.length + 1));

  await status(stage, at, "healthy", 10_000);
  await send(at, 2);
  await analysed(stage, at, 100);
  expect(await second.end("SIGTERM")).toBe(0);
  expect(readdirSync(stage.folder)).toContain("state.sqlite");
}, 60_000);

test.runIf(process.getuid?.() === 0)("a state file in a folder that can not be made keeps nobody waiting, neither at the start nor at the end", async () => {
  const stage = await stageForTest();
  const at = await addresses();
  await startServer(stage, at);
  // Root may write to /proc as far as permissions go; making a folder there fails in a way of its own.
  const pilotfish = await startPilotfish(stage, at, runExample(at, ["store.path=/proc/pilotfish/state.sqlite"]));
  expect(pilotfish.said("state is kept in memory only").length).toBe(1);
  await send(at, 2);
  await analysed(stage, at, 100);
  expect(await pilotfish.end("SIGTERM")).toBe(0);
}, 60_000);

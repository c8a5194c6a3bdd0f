import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { startStage } from "../../agent/cli/demo/stage.ts";
import { systemClock } from "../../agent/clock.ts";

test("a demo whose Pilotfish does not start says so at once, and leaves no process behind", async () => {
  const children = () => readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim();
  const before = children();
  await expect(startStage({ self: [process.execPath, "/nowhere/main.ts"] }, systemClock, () => {})).rejects.toThrow(/pilotfish is not ready: it has ended; pilotfish said last:[^]*nowhere/);
  expect(children()).toBe(before);
});

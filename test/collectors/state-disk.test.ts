import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { readStateDisk } from "../../agent/collectors/state-disk.ts";
import { instruments } from "../../exporters/instruments.ts";

test.skipIf(process.platform !== "linux")("what is free is what df says", async () => {
  const { points } = await readStateDisk(tmpdir());
  const printed = execFileSync("df", ["--block-size=1", "--output=size,avail", tmpdir()], { encoding: "utf8" });
  const [size, free] = (printed.split("\n")[1]?.match(/\d+/g) ?? []).map(Number) as [number, number];
  const of = (instrument: unknown) => points.find((point) => point.instrument === instrument)?.value ?? Number.NaN;
  expect(of(instruments.stateDiskSize)).toBe(size);
  // Others write to this disk meanwhile.
  expect(Math.abs(of(instruments.stateDiskFree) - free)).toBeLessThan(0.05 * size);
});

test("a folder that is not there is unknown", async () => {
  expect(await readStateDisk("/nowhere/at/all")).toEqual({ status: "unknown", detail: "/nowhere/at/all: ENOENT", points: [] });
});

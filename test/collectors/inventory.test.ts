import { arch } from "node:os";
import { expect, test } from "vitest";
import { inventory } from "../../agent/collectors/inventory.ts";
import { instruments } from "../../exporters/instruments.ts";

test("the machine is described by its CPU and operating system, read once and told again", async () => {
  const collector = inventory(2_000);
  const reading = await collector.read();
  expect(reading.status).toBe("ok");
  const [point] = reading.points;
  expect(reading.points).toHaveLength(1);
  expect(point).toMatchObject({ instrument: instruments.hostInfo, value: 1, labels: { arch: arch() } });
  expect(Object.keys(point?.labels ?? {}).sort()).toEqual([...instruments.hostInfo.labels].sort());
  expect(Number(point?.labels["cores"])).toBeGreaterThan(0);
  expect(point?.labels["cpu"]).not.toBe("");
  expect(await collector.read()).toBe(reading);
});

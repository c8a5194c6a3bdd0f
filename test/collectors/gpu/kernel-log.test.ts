import { appendFileSync } from "node:fs";
import { expect, test } from "vitest";
import { busKey, kernelLog, parseXid, type KernelLog, type Xids } from "../../../agent/collectors/gpu/kernel-log.ts";
import { FakeClock } from "../../fake-clock.ts";
import { Tree } from "../tree.ts";

/** As the kernel and NVIDIA's driver write them. */
const records = {
  fallenOff: "4,1234,98765432,-;NVRM: Xid (PCI:0000:3b:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.\n",
  illegal: "4,1235,98765433,-;NVRM: Xid (PCI:0000:3b:00): 31, pid=4242, name=python3, Ch 00000008, intr 00000000. MMU Fault\n",
  other: "6,1236,98765434,-;usb 1-1: new high-speed USB device number 2 using xhci_hcd\n SUBSYSTEM=usb\n",
};

test("a record with an XID is read, others are none", () => {
  expect(parseXid(records.fallenOff)).toEqual({ bus: "0:3b:00", code: 79 });
  expect(parseXid("NVRM: Xid (PCI:00000000:0a:00.0): 94, Contained")).toEqual({ bus: "0:0a:00", code: 94 });
  expect(parseXid(records.other)).toBeUndefined();
  expect(parseXid("NVRM: GPU at PCI:0000:3b:00: GPU-1234")).toBeUndefined();
});

test("the kernel's and nvidia-smi's words for one address are one", () => {
  expect(busKey("00000000:3B:00.0")).toBe(busKey("0000:3b:00"));
  expect(busKey("00000001:3B:00.0")).not.toBe(busKey("0000:3b:00"));
});

async function until(log: KernelLog, clock: FakeClock, fits: (xids: Xids) => boolean): Promise<Xids> {
  for (let turn = 0; turn < 2_000; turn += 1) {
    const xids = log.of("00000000:3B:00.0");
    if (fits(xids)) return xids;
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`it came to ${JSON.stringify(log.of("00000000:3B:00.0"))}`);
}

test("faults are counted from when somebody looks; of those before only the last is known", async () => {
  using tree = new Tree({ kmsg: records.fallenOff + records.other });
  const clock = new FakeClock();
  const log = kernelLog(tree.path("kmsg"), 1_000, clock);
  expect(log.of("00000000:3B:00.0")).toEqual({});
  expect(await until(log, clock, ({ lastXid }) => lastXid === 79)).toEqual({ xids: {}, lastXid: 79 });
  appendFileSync(tree.path("kmsg"), records.illegal + records.other);
  expect(await until(log, clock, ({ lastXid }) => lastXid === 31)).toEqual({ xids: { 31: 1 }, lastXid: 31 });
  expect(log.of("00000000:5E:00.0")).toEqual({ xids: {}, lastXid: 0 });
  await log.close();
  expect(clock.pending).toBe(0);
});

test("a log that can not be read says nothing, not even that there was no fault", async () => {
  using tree = new Tree();
  const clock = new FakeClock();
  const log = kernelLog(tree.path("none"), 1_000, clock);
  for (let turn = 0; turn < 50; turn += 1) {
    expect(log.of("00000000:3B:00.0")).toEqual({});
    await new Promise((resolve) => setImmediate(resolve));
  }
  await log.close();
});

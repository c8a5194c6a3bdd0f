/**
 * XIDs, the driver's words for faults, from the kernel's log: `NVRM: Xid (PCI:0000:3b:00): 79, pid=1234, ...`. For what is
 * read through nvidia-smi, which does not tell them. Needs a readable /dev/kmsg (root, or CAP_SYSLOG); where there is none,
 * nothing is known of faults and no series says 0. Source: the kernel's Documentation/ABI/testing/dev-kmsg, NVIDIA's XID list.
 */
import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import type { Cancel, Clock } from "../../clock.ts";
import type { GpuFigures } from "./figures.ts";

export type Xids = Pick<GpuFigures, "xids" | "lastXid">;

export interface XidLog {
  /** By the card's PCI address, with any number of digits for its domain; empty where the log can not be read. */
  of(bus: string): Xids;
}

export interface Xid {
  readonly bus: string;
  readonly code: number;
}

/** The XID in one record of the kernel's log, if there is one. */
export function parseXid(record: string): Xid | undefined {
  const match = /NVRM: Xid \(PCI:([0-9a-fA-F:.]+)\): (\d{1,5})\b/.exec(record);
  return match === null ? undefined : { bus: busKey(match[1] as string), code: Number(match[2]) };
}

/** nvidia-smi writes eight digits of domain and a function, the kernel four and none. */
export function busKey(bus: string): string {
  const [, domain = "0", slot = ""] = /^(?:([0-9a-f]+):)?([0-9a-f]{2}:[0-9a-f]{2})(?:\.\d)?$/.exec(bus.toLowerCase()) ?? [];
  return `${Number.parseInt(domain, 16).toString(16)}:${slot}`;
}

const busesMax = 64;
const recordsMax = 1_000;
/** More than the kernel's buffer holds. */
const oldRecordsMax = 100_000;
/** The kernel gives one record a read, and none is longer. */
const recordMax = 8_192;

export interface KernelLog extends XidLog {
  close(): Promise<void>;
}

/**
 * Opened when it is first asked, so not where there is no GPU. Faults from before that are not counted, but the last of them
 * is known. Then looks every `intervalMs`, at no more than 1,000 records.
 */
export function kernelLog(path: string, intervalMs: number, clock: Clock): KernelLog {
  const known = new Map<string, { readonly xids: Map<number, number>; last: number }>();
  let file: FileHandle | undefined;
  let reading = false;

  const note = ({ bus, code }: Xid, counts: boolean) => {
    const card = known.get(bus) ?? { xids: new Map<number, number>(), last: 0 };
    if (!known.has(bus) && known.size >= busesMax) return;
    known.set(bus, card);
    card.last = code;
    if (counts) card.xids.set(code, (card.xids.get(code) ?? 0) + 1);
  };

  const look = async (handle: FileHandle, counts: boolean): Promise<void> => {
    if (reading) return;
    reading = true;
    for await (const record of recordsOf(handle, counts ? recordsMax : oldRecordsMax)) {
      const xid = parseXid(record);
      if (xid !== undefined) note(xid, counts);
    }
    reading = false;
  };

  const start = async (): Promise<void> => {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
    if (handle === undefined) return;
    await look(handle, false);
    file = handle;
  };

  let started: Promise<void> | undefined;
  let cancel: Cancel = () => {};
  return {
    of(bus) {
      if (started === undefined) {
        started = start();
        cancel = clock.every(intervalMs, () => {
          if (file !== undefined) void look(file, true);
        });
      }
      if (file === undefined) return {};
      const card = known.get(busKey(bus));
      return { xids: Object.fromEntries(card?.xids ?? []), lastXid: card?.last ?? 0 };
    },
    async close() {
      cancel();
      await started;
      const handle = file;
      file = undefined;
      await handle?.close().catch(() => {});
    },
  };
}

/** What can be read without waiting. */
async function* recordsOf(file: FileHandle, max: number): AsyncGenerator<string> {
  const buffer = Buffer.allocUnsafe(recordMax);
  for (let records = 0; records < max; records += 1) {
    try {
      const { bytesRead } = await file.read(buffer, 0, recordMax, null);
      if (bytesRead === 0) return;
      yield buffer.toString("latin1", 0, bytesRead);
    } catch (error) {
      // Records that were written over before they were read: the next read goes on behind them.
      if (!(error instanceof Error && "code" in error && error.code === "EPIPE")) return;
    }
  }
}

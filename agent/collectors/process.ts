/** What Linux says of one process: CPU time, memory, threads, open files. Source: proc(5). */
import { opendir } from "node:fs/promises";
import { instruments } from "../../exporters/instruments.ts";
import type { Point } from "../observation.ts";
import { unknown, type Reading } from "./collector.ts";
import { readBytes, readSmall } from "./small-file.ts";

/** What identifies a process: its number may be given to another one, its start not. */
export interface ProcessStat {
  /** R, S, D, T (stopped), Z (zombie) and others. */
  readonly state: string;
  readonly parentPid: number;
  /** User and system together, in clock ticks. */
  readonly cpuTicks: number;
  readonly threads: number;
  /** In clock ticks since the machine started. */
  readonly startTicks: number;
}

/** Of `/proc/<pid>/stat`; undefined where the text is none. The name may hold blanks and brackets: count from the last one. */
export function parseStat(text: string): ProcessStat | undefined {
  const fields = text.slice(text.lastIndexOf(")") + 2).trim().split(" ");
  if (fields.length < 20) return undefined;
  const number = (index: number) => Number(fields[index]);
  return { state: fields[0] as string, parentPid: number(1), cpuTicks: number(11) + number(12), threads: number(17), startTicks: number(19) };
}

/**
 * @param pid a number, or `self`.
 * @param ticksPerSecond see `clockTick`.
 * Open files are left out where another user's process does not show them. Costs 2 small files and one folder.
 */
export async function readProcess(proc: string, pid: number | "self", label: "server" | "pilotfish", ticksPerSecond: number): Promise<Reading> {
  const stat = parseStat((await readSmall(`${proc}/${pid}/stat`)) ?? "");
  if (stat === undefined || stat.state === "Z") return unknown(`there is no process ${pid} in ${proc}`);
  const status = (await readSmall(`${proc}/${pid}/status`)) ?? "";
  const residentKib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  const files = await countFiles(`${proc}/${pid}/fd`);

  const labels = { process: label };
  const points: Point[] = [
    { instrument: instruments.processCpuTime, labels, value: stat.cpuTicks / ticksPerSecond },
    { instrument: instruments.processThreads, labels, value: stat.threads },
  ];
  if (residentKib !== undefined) points.push({ instrument: instruments.processMemory, labels, value: Number(residentKib) * 1_024 });
  if (files !== undefined) points.push({ instrument: instruments.processFiles, labels, value: files });
  return { status: "ok", detail: `process ${pid}, state ${stat.state}${files === undefined ? "; its open files are not shown to this user" : ""}`, points, process: `${pid} since ${stat.startTicks}` };
}

const filesMax = 100_000;

async function countFiles(folder: string): Promise<number | undefined> {
  try {
    let count = 0;
    for await (const _ of await opendir(folder, { bufferSize: 256 })) {
      count += 1;
      if (count >= filesMax) break;
    }
    return count;
  } catch {
    return undefined;
  }
}

/** Clock ticks in a second as the kernel tells each process in its auxiliary vector (AT_CLKTCK, getauxval(3)); 100 where it can not be read. */
export async function clockTick(proc: string): Promise<number> {
  const auxiliary = (await readBytes(`${proc}/self/auxv`, 4_096)) ?? Buffer.alloc(0);
  for (let at = 0; at + 16 <= auxiliary.length; at += 16) {
    if (auxiliary.readBigUInt64LE(at) === 17n) return Number(auxiliary.readBigUInt64LE(at + 8));
  }
  return 100;
}

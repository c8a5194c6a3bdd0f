/** What Linux says of one process: CPU time, memory, threads, open files, start. Source: proc(5). */
import { opendir } from "node:fs/promises";
import { instruments } from "../../exporters/instruments.ts";
import type { Point } from "../observation.ts";
import { unknown, type Reading } from "./collector.ts";
import { readBytes, readSmall, type ReadText } from "./small-file.ts";

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
 * @param ticks see `ticksOf`.
 * Open files are left out where another user's process does not show them. Costs 2 small files and one folder.
 */
export async function readProcess(proc: string, pid: number | "self", label: "server" | "pilotfish", ticks: Ticks, read: ReadText = readSmall): Promise<Reading> {
  const stat = parseStat((await read(`${proc}/${pid}/stat`)) ?? "");
  if (stat === undefined || stat.state === "Z") return unknown(`there is no process ${pid} in ${proc}`);
  const status = (await read(`${proc}/${pid}/status`)) ?? "";
  const residentKib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  const files = await countFiles(`${proc}/${pid}/fd`);

  const labels = { process: label };
  const points: Point[] = [
    { instrument: instruments.processCpuTime, labels, value: stat.cpuTicks / ticks.perSecond },
    { instrument: instruments.processThreads, labels, value: stat.threads },
  ];
  if (residentKib !== undefined) points.push({ instrument: instruments.processMemory, labels, value: Number(residentKib) * 1_024 });
  if (ticks.bootS !== undefined) points.push({ instrument: instruments.processStart, labels, value: ticks.bootS + stat.startTicks / ticks.perSecond });
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

/** What the kernel counts a process's time in. */
export interface Ticks {
  readonly perSecond: number;
  /** Unix time at which the machine started; undefined where it is not told. */
  readonly bootS: number | undefined;
}

/** Does not change while the machine runs. The second file is long on a machine with many processors. */
export async function ticksOf(proc: string): Promise<Ticks> {
  const bootS = /^btime (\d+)$/m.exec((await readSmall(`${proc}/stat`, 4_194_304)) ?? "")?.[1];
  return { perSecond: await clockTick(proc), bootS: bootS === undefined ? undefined : Number(bootS) };
}

/** Clock ticks in a second as the kernel tells each process in its auxiliary vector (AT_CLKTCK, getauxval(3)); 100 where it can not be read. */
export async function clockTick(proc: string): Promise<number> {
  const auxiliary = (await readBytes(`${proc}/self/auxv`, 4_096)) ?? Buffer.alloc(0);
  for (let at = 0; at + 16 <= auxiliary.length; at += 16) {
    if (auxiliary.readBigUInt64LE(at) === 17n) return Number(auxiliary.readBigUInt64LE(at + 8));
  }
  return 100;
}

/**
 * CPU, memory, disk and pressure of a container, from the cgroup of one of its processes: version 2, and all but pressure of
 * version 1. Sources: the kernel's cgroup-v2.rst and cgroup-v1/, psi.rst.
 *
 * Never the node's figures in place of the container's: the root of a hierarchy is the node itself, and says nothing of us.
 * It is known by its files (a version 2 root has no `cgroup.type`, a version 1 root alone has `cgroup.sane_behavior`), not by
 * its path, since a container that has a cgroup namespace sees its own cgroup as `/`.
 */
import { instruments } from "../../exporters/instruments.ts";
import type { Point } from "../observation.ts";
import { unknown, type Reading } from "./collector.ts";
import { keyedNumbers, readNumber, readSmall, type ReadText } from "./small-file.ts";

export interface CgroupPaths {
  readonly proc: string;
  readonly cgroup: string;
}

type Container = "server" | "pilotfish";

/** @param pid of a process in the container, or `self`. Costs about a dozen small files. */
export async function readCgroup({ proc, cgroup }: CgroupPaths, pid: number | "self", container: Container, read: ReadText = readSmall): Promise<Reading> {
  const membership = await read(`${proc}/${pid}/cgroup`);
  if (membership === undefined) return unknown(`${proc}/${pid}/cgroup can not be read`);
  const paths = parseMembership(membership);
  // Where the process's container mounts its own hierarchy, as seen from here; needs the same user or CAP_SYS_PTRACE.
  const through = `${proc}/${pid}/root${cgroup}`;
  const places = pid === "self" ? [cgroup] : [cgroup, through];
  const unified = paths.get("");
  const { points, problems } =
    unified !== undefined && (await read(`${cgroup}/cgroup.controllers`)) !== undefined
      ? await readV2(await findV2(places, unified, read), container, read)
      : await readV1(places, paths, container, read);
  const problem = problems.join("; ");
  return points.length === 0 ? unknown(problem || "no figures in the cgroup") : { status: "ok", detail: problem, points };
}

interface Figures {
  readonly points: readonly Point[];
  readonly problems: readonly string[];
}

/** Paths by controller, from /proc/<pid>/cgroup; version 2's has the empty name. */
export function parseMembership(text: string): ReadonlyMap<string, string> {
  const lines = [...text.matchAll(/^\d+:([^:]*):(\/.*)$/gm)];
  return new Map(lines.flatMap(([, controllers, path]) => (controllers as string).split(",").map((name) => [name, path as string] as const)));
}

/**
 * The folders in which a cgroup may lie, best first. A path with `..` leads out of what our cgroup namespace shows: then only
 * the process's own view has it, at its top. A container of version 1 without a namespace has its cgroup mounted at the top
 * too. Another process's cgroup is never ours: our own top is no candidate for it.
 */
function candidates(places: readonly string[], path: string): readonly string[] {
  const inside = path.split("/").includes("..") ? [] : places.map((place) => `${place}${path === "/" ? "" : path}`);
  return [...inside, places.at(-1) as string];
}

async function findV2(places: readonly string[], path: string, read: ReadText): Promise<string | undefined> {
  for (const folder of candidates(places, path)) {
    if ((await read(`${folder}/cgroup.type`)) !== undefined && (await read(`${folder}/cpu.stat`)) !== undefined) return folder;
  }
  return undefined;
}

async function readV2(folder: string | undefined, container: Container, read: ReadText): Promise<Figures> {
  if (folder === undefined) return { points: [], problems: ["its cgroup can not be seen from here, or is the node's own"] };
  const labels = { container };
  const points: Point[] = [];
  const add = (instrument: Point["instrument"], value: number | undefined) => {
    if (value !== undefined && Number.isFinite(value)) points.push({ instrument, labels, value });
  };

  const cpu = keyedNumbers(await read(`${folder}/cpu.stat`));
  add(instruments.cpuTime, micro(cpu.get("usage_usec")));
  add(instruments.cpuThrottled, micro(cpu.get("throttled_usec")));
  add(instruments.cpuPeriods, cpu.get("nr_periods"));
  add(instruments.cpuThrottledPeriods, cpu.get("nr_throttled"));
  const [quota, period] = ((await read(`${folder}/cpu.max`)) ?? "").trim().split(" ");
  if (quota !== undefined && quota !== "max") add(instruments.cpuLimit, Number(quota) / Number(period));

  const current = await readNumber(`${folder}/memory.current`, read);
  const inactive = keyedNumbers(await read(`${folder}/memory.stat`)).get("inactive_file");
  add(instruments.memoryUsage, current);
  if (current !== undefined && inactive !== undefined) add(instruments.memoryWorkingSet, Math.max(0, current - inactive));
  add(instruments.memoryLimit, await readNumber(`${folder}/memory.max`, read));
  add(instruments.oomKills, keyedNumbers(await read(`${folder}/memory.events`)).get("oom_kill"));

  points.push(...diskPoints(parseIoStat((await read(`${folder}/io.stat`)) ?? ""), container));
  for (const resource of ["cpu", "memory", "io"]) {
    for (const { kind, seconds } of parsePressure((await read(`${folder}/${resource}.pressure`)) ?? "")) {
      points.push({ instrument: instruments.pressure, labels: { container, resource, kind }, value: seconds });
    }
  }
  return { points, problems: [] };
}

/** Total stall times, from a file such as cpu.pressure. */
export function parsePressure(text: string): readonly { readonly kind: "some" | "full"; readonly seconds: number }[] {
  return [...text.matchAll(/^(some|full) .*\btotal=(\d+)$/gm)].map(([, kind, total]) => ({ kind: kind as "some" | "full", seconds: Number(total) / 1e6 }));
}

export interface DiskIo {
  /** The device's numbers, such as 259:0: a container has no names for them. */
  readonly device: string;
  readonly read: number;
  readonly write: number;
}

const devicesMax = 32;

/** Bytes by device, from io.stat of version 2. Devices without figures are left out. */
export function parseIoStat(text: string): readonly DiskIo[] {
  return [...text.matchAll(/^(\d+:\d+) (.*)$/gm)].flatMap(([, device, figures]) => {
    const read = /\brbytes=(\d+)/.exec(figures as string)?.[1];
    const write = /\bwbytes=(\d+)/.exec(figures as string)?.[1];
    return read === undefined || write === undefined ? [] : [{ device: device as string, read: Number(read), write: Number(write) }];
  });
}

/** The same of version 1, from blkio.throttle.io_service_bytes: a line a device and kind. */
export function parseServiceBytes(text: string): readonly DiskIo[] {
  const devices = new Map<string, { read: number; write: number }>();
  for (const [, device, kind, bytes] of text.matchAll(/^(\d+:\d+) (Read|Write) (\d+)$/gm)) {
    const sums = devices.get(device as string) ?? { read: 0, write: 0 };
    devices.set(device as string, sums);
    sums[kind === "Read" ? "read" : "write"] = Number(bytes);
  }
  return [...devices].map(([device, sums]) => ({ device, ...sums }));
}

function diskPoints(devices: readonly DiskIo[], container: Container): readonly Point[] {
  return devices.slice(0, devicesMax).flatMap(({ device, ...bytes }) =>
    (["read", "write"] as const).map((direction) => ({ instrument: instruments.diskIo, labels: { container, device, direction }, value: bytes[direction] })),
  );
}

function micro(microseconds: number | undefined): number | undefined {
  return microseconds === undefined ? undefined : microseconds / 1e6;
}

async function readV1(places: readonly string[], paths: ReadonlyMap<string, string>, container: Container, read: ReadText): Promise<Figures> {
  const labels = { container };
  const points: Point[] = [];
  const problems: string[] = [];
  const add = (instrument: Point["instrument"], value: number | undefined) => {
    if (value !== undefined) points.push({ instrument, labels, value });
  };
  const folderOf = async (controller: string, file: string) => {
    const path = paths.get(controller);
    const folder = path === undefined ? undefined : await findV1(places.map((place) => `${place}/${controller}`), path, file, read);
    if (folder === undefined) problems.push(`${controller}: its cgroup can not be seen from here, or is the node's own`);
    return folder;
  };

  const cpuacct = await folderOf("cpuacct", "cpuacct.usage");
  if (cpuacct !== undefined) add(instruments.cpuTime, nano(await readNumber(`${cpuacct}/cpuacct.usage`, read)));
  const cpu = await folderOf("cpu", "cpu.stat");
  if (cpu !== undefined) {
    const throttling = keyedNumbers(await read(`${cpu}/cpu.stat`));
    add(instruments.cpuThrottled, nano(throttling.get("throttled_time")));
    add(instruments.cpuPeriods, throttling.get("nr_periods"));
    add(instruments.cpuThrottledPeriods, throttling.get("nr_throttled"));
    const quota = await readNumber(`${cpu}/cpu.cfs_quota_us`, read);
    const period = await readNumber(`${cpu}/cpu.cfs_period_us`, read);
    if (quota !== undefined && quota > 0 && period !== undefined) add(instruments.cpuLimit, quota / period);
  }
  const memory = await folderOf("memory", "memory.usage_in_bytes");
  if (memory !== undefined) {
    const usage = await readNumber(`${memory}/memory.usage_in_bytes`, read);
    const inactive = keyedNumbers(await read(`${memory}/memory.stat`)).get("total_inactive_file");
    const limit = await readNumber(`${memory}/memory.limit_in_bytes`, read);
    add(instruments.memoryUsage, usage);
    if (usage !== undefined && inactive !== undefined) add(instruments.memoryWorkingSet, Math.max(0, usage - inactive));
    // Without a limit version 1 says the largest number of pages.
    if (limit !== undefined && limit < 2 ** 60) add(instruments.memoryLimit, limit);
    add(instruments.oomKills, keyedNumbers(await read(`${memory}/memory.oom_control`)).get("oom_kill"));
  }
  const disk = !paths.has("blkio") ? undefined : await folderOf("blkio", "blkio.throttle.io_service_bytes");
  if (disk !== undefined) points.push(...diskPoints(parseServiceBytes((await read(`${disk}/blkio.throttle.io_service_bytes`)) ?? ""), container));
  return { points, problems };
}

async function findV1(places: readonly string[], path: string, file: string, read: ReadText): Promise<string | undefined> {
  for (const folder of candidates(places, path)) {
    if ((await read(`${folder}/${file}`)) !== undefined && (await read(`${folder}/cgroup.sane_behavior`)) === undefined) return folder;
  }
  return undefined;
}

function nano(nanoseconds: number | undefined): number | undefined {
  return nanoseconds === undefined ? undefined : nanoseconds / 1e9;
}

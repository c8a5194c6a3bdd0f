/**
 * CPU, memory and pressure of a container, from the cgroup of one of its processes: version 2, and of version 1 CPU and
 * memory. Sources: the kernel's cgroup-v2.rst and cgroup-v1/, psi.rst.
 *
 * Never the node's figures in place of the container's: the root of a hierarchy is the node itself, and says nothing of us.
 * It is known by its files (a version 2 root has no `cgroup.type`, a version 1 root alone has `cgroup.sane_behavior`), not by
 * its path, since a container that has a cgroup namespace sees its own cgroup as `/`.
 */
import { instruments } from "../../exporters/instruments.ts";
import type { Point } from "../observation.ts";
import { unknown, type Reading } from "./collector.ts";
import { keyedNumbers, readNumber, readSmall } from "./small-file.ts";

export interface CgroupPaths {
  readonly proc: string;
  readonly cgroup: string;
}

type Container = "server" | "pilotfish";

/** @param pid of a process in the container, or `self`. Costs about ten small files. */
export async function readCgroup({ proc, cgroup }: CgroupPaths, pid: number | "self", container: Container): Promise<Reading> {
  const membership = await readSmall(`${proc}/${pid}/cgroup`);
  if (membership === undefined) return unknown(`${proc}/${pid}/cgroup can not be read`);
  const paths = parseMembership(membership);
  // Where the process's container mounts its own hierarchy, as seen from here; needs the same user or CAP_SYS_PTRACE.
  const through = `${proc}/${pid}/root${cgroup}`;
  const places = pid === "self" ? [cgroup] : [cgroup, through];
  const unified = paths.get("");
  const { points, problems } =
    unified !== undefined && (await exists(`${cgroup}/cgroup.controllers`))
      ? await readV2(await findV2(places, unified), container)
      : await readV1(places, paths, container);
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

async function exists(path: string): Promise<boolean> {
  return (await readSmall(path, 1)) !== undefined;
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

async function findV2(places: readonly string[], path: string): Promise<string | undefined> {
  for (const folder of candidates(places, path)) {
    if ((await exists(`${folder}/cgroup.type`)) && (await exists(`${folder}/cpu.stat`))) return folder;
  }
  return undefined;
}

async function readV2(folder: string | undefined, container: Container): Promise<Figures> {
  if (folder === undefined) return { points: [], problems: ["its cgroup can not be seen from here, or is the node's own"] };
  const labels = { container };
  const points: Point[] = [];
  const add = (instrument: Point["instrument"], value: number | undefined) => {
    if (value !== undefined && Number.isFinite(value)) points.push({ instrument, labels, value });
  };

  const cpu = keyedNumbers(await readSmall(`${folder}/cpu.stat`));
  add(instruments.cpuTime, micro(cpu.get("usage_usec")));
  add(instruments.cpuThrottled, micro(cpu.get("throttled_usec")));
  const [quota, period] = ((await readSmall(`${folder}/cpu.max`)) ?? "").trim().split(" ");
  if (quota !== undefined && quota !== "max") add(instruments.cpuLimit, Number(quota) / Number(period));

  const current = await readNumber(`${folder}/memory.current`);
  const inactive = keyedNumbers(await readSmall(`${folder}/memory.stat`)).get("inactive_file");
  add(instruments.memoryUsage, current);
  if (current !== undefined && inactive !== undefined) add(instruments.memoryWorkingSet, Math.max(0, current - inactive));
  add(instruments.memoryLimit, await readNumber(`${folder}/memory.max`));
  add(instruments.oomKills, keyedNumbers(await readSmall(`${folder}/memory.events`)).get("oom_kill"));

  for (const resource of ["cpu", "memory", "io"]) {
    for (const { kind, seconds } of parsePressure((await readSmall(`${folder}/${resource}.pressure`)) ?? "")) {
      points.push({ instrument: instruments.pressure, labels: { container, resource, kind }, value: seconds });
    }
  }
  return { points, problems: [] };
}

/** Total stall times, from a file such as cpu.pressure. */
export function parsePressure(text: string): readonly { readonly kind: "some" | "full"; readonly seconds: number }[] {
  return [...text.matchAll(/^(some|full) .*\btotal=(\d+)$/gm)].map(([, kind, total]) => ({ kind: kind as "some" | "full", seconds: Number(total) / 1e6 }));
}

function micro(microseconds: number | undefined): number | undefined {
  return microseconds === undefined ? undefined : microseconds / 1e6;
}

async function readV1(places: readonly string[], paths: ReadonlyMap<string, string>, container: Container): Promise<Figures> {
  const labels = { container };
  const points: Point[] = [];
  const problems: string[] = [];
  const add = (instrument: Point["instrument"], value: number | undefined) => {
    if (value !== undefined) points.push({ instrument, labels, value });
  };
  const folderOf = async (controller: string, file: string) => {
    const path = paths.get(controller);
    const folder = path === undefined ? undefined : await findV1(places.map((place) => `${place}/${controller}`), path, file);
    if (folder === undefined) problems.push(`${controller}: its cgroup can not be seen from here, or is the node's own`);
    return folder;
  };

  const cpuacct = await folderOf("cpuacct", "cpuacct.usage");
  if (cpuacct !== undefined) add(instruments.cpuTime, nano(await readNumber(`${cpuacct}/cpuacct.usage`)));
  const cpu = await folderOf("cpu", "cpu.stat");
  if (cpu !== undefined) {
    add(instruments.cpuThrottled, nano(keyedNumbers(await readSmall(`${cpu}/cpu.stat`)).get("throttled_time")));
    const quota = await readNumber(`${cpu}/cpu.cfs_quota_us`);
    const period = await readNumber(`${cpu}/cpu.cfs_period_us`);
    if (quota !== undefined && quota > 0 && period !== undefined) add(instruments.cpuLimit, quota / period);
  }
  const memory = await folderOf("memory", "memory.usage_in_bytes");
  if (memory !== undefined) {
    const usage = await readNumber(`${memory}/memory.usage_in_bytes`);
    const inactive = keyedNumbers(await readSmall(`${memory}/memory.stat`)).get("total_inactive_file");
    const limit = await readNumber(`${memory}/memory.limit_in_bytes`);
    add(instruments.memoryUsage, usage);
    if (usage !== undefined && inactive !== undefined) add(instruments.memoryWorkingSet, Math.max(0, usage - inactive));
    // Without a limit version 1 says the largest number of pages.
    if (limit !== undefined && limit < 2 ** 60) add(instruments.memoryLimit, limit);
    add(instruments.oomKills, keyedNumbers(await readSmall(`${memory}/memory.oom_control`)).get("oom_kill"));
  }
  return { points, problems };
}

async function findV1(places: readonly string[], path: string, file: string): Promise<string | undefined> {
  for (const folder of candidates(places, path)) {
    if ((await exists(`${folder}/${file}`)) && !(await exists(`${folder}/cgroup.sane_behavior`))) return folder;
  }
  return undefined;
}

function nano(nanoseconds: number | undefined): number | undefined {
  return nanoseconds === undefined ? undefined : nanoseconds / 1e9;
}

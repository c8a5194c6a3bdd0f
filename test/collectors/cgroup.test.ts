import { totalmem } from "node:os";
import { expect, test } from "vitest";
import { parseMembership, parsePressure, readCgroup } from "../../agent/collectors/cgroup.ts";
import type { Reading } from "../../agent/collectors/collector.ts";
import { prometheusName } from "../../exporters/instruments.ts";
import { Tree } from "./tree.ts";

/** A container's cgroup of version 2, as Linux 6 writes it. */
const container = {
  "cgroup.type": "domain\n",
  "cgroup.events": "populated 1\nfrozen 0\n",
  "cpu.stat":
    "usage_usec 93185642\nuser_usec 80012000\nsystem_usec 13173642\nnice_usec 0\ncore_sched.force_idle_usec 0\nnr_periods 18204\nnr_throttled 512\nthrottled_usec 61250000\nnr_bursts 0\nburst_usec 0\n",
  "cpu.max": "150000 100000\n",
  "memory.current": "734003200\n",
  "memory.max": "2147483648\n",
  "memory.stat": "anon 524288000\nfile 157286400\nkernel 20971520\nslab 10485760\nactive_anon 0\ninactive_anon 524288000\nactive_file 52428800\ninactive_file 104857600\nunevictable 0\n",
  "memory.events": "low 0\nhigh 0\nmax 12\noom 1\noom_kill 2\noom_group_kill 0\n",
  "cpu.pressure": "some avg10=1.53 avg60=0.87 avg300=0.42 total=12500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9000000\n",
  "memory.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=250000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=125000\n",
  "io.stat": "259:0 rbytes=409600 wbytes=8192 rios=100 wios=2 dbytes=0 dios=0\n7:0 \n8:16 rbytes=0 wbytes=1 rios=0 wios=1 dbytes=0 dios=0 cost.usage=3\n",
  "io.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=4\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=2\n",
};

const figures = {
  container_cpu_time_seconds_total: 93.185642,
  pilotfish_cpu_throttled_time_seconds_total: 61.25,
  pilotfish_cpu_periods_total: 18_204,
  pilotfish_cpu_throttled_periods_total: 512,
  k8s_container_cpu_limit_current: 1.5,
  container_memory_usage_bytes: 734_003_200,
  container_memory_working_set_bytes: 629_145_600,
  k8s_container_memory_limit_current_bytes: 2_147_483_648,
  pilotfish_memory_oom_kills_total: 2,
  "container_disk_io_bytes_total 259:0 read": 409_600,
  "container_disk_io_bytes_total 259:0 write": 8_192,
  "container_disk_io_bytes_total 8:16 read": 0,
  "container_disk_io_bytes_total 8:16 write": 1,
  "pilotfish_pressure_stall_time_seconds_total cpu some": 12.5,
  "pilotfish_pressure_stall_time_seconds_total cpu full": 9,
  "pilotfish_pressure_stall_time_seconds_total memory some": 0.25,
  "pilotfish_pressure_stall_time_seconds_total memory full": 0.125,
  "pilotfish_pressure_stall_time_seconds_total io some": 4e-6,
  "pilotfish_pressure_stall_time_seconds_total io full": 2e-6,
};

function under(folder: string, files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text]));
}

/** The files that only the root of a version 2 hierarchy, the node itself, has or lacks. */
const nodeRoot = { "cgroup.controllers": "cpuset cpu io memory pids\n", "cpu.stat": "usage_usec 999999999999\nuser_usec 1\nsystem_usec 1\n", "memory.stat": "anon 1\n" };

const named = ({ points }: Reading) =>
  Object.fromEntries(points.map(({ instrument, labels: { resource, kind, device, direction }, value }) => [[prometheusName(instrument), resource, kind, device, direction].filter((part) => part !== undefined).join(" "), value]));
const pathsOf = (tree: Tree) => ({ proc: tree.path("proc"), cgroup: tree.path("cgroup") });

test("a container sees its own cgroup of version 2 at the top of its namespace", async () => {
  using tree = new Tree({ "proc/self/cgroup": "0::/\n", "cgroup/cgroup.controllers": "cpu memory io\n", ...under("cgroup", container) });
  const reading = await readCgroup(pathsOf(tree), "self", "pilotfish");
  expect(reading).toMatchObject({ status: "ok", detail: "" });
  expect(named(reading)).toEqual(figures);
  expect(reading.points.every(({ labels }) => labels["container"] === "pilotfish")).toBe(true);
});

test("without limits there is no limit, and no throttling where the kernel tells of none", async () => {
  using tree = new Tree({
    "proc/self/cgroup": "0::/\n",
    "cgroup/cgroup.controllers": "cpu memory io\n",
    ...under("cgroup", { ...container, "cpu.max": "max 100000\n", "memory.max": "max\n", "cpu.stat": "usage_usec 1000000\nuser_usec 0\nsystem_usec 0\n" }),
  });
  const { k8s_container_cpu_limit_current, k8s_container_memory_limit_current_bytes, pilotfish_cpu_throttled_time_seconds_total, pilotfish_cpu_periods_total, pilotfish_cpu_throttled_periods_total, ...rest } = figures;
  expect([k8s_container_cpu_limit_current, k8s_container_memory_limit_current_bytes, pilotfish_cpu_throttled_time_seconds_total, pilotfish_cpu_periods_total, pilotfish_cpu_throttled_periods_total]).not.toContain(undefined);
  expect(named(await readCgroup(pathsOf(tree), "self", "pilotfish"))).toEqual({ ...rest, container_cpu_time_seconds_total: 1 });
});

test("without a cgroup namespace the cgroup is found by its path, not the node's root above it", async () => {
  using tree = new Tree({ "proc/self/cgroup": "0::/kubepods.slice/pod7/sidecar\n", ...under("cgroup", nodeRoot), ...under("cgroup/kubepods.slice/pod7/sidecar", container) });
  expect(named(await readCgroup(pathsOf(tree), "self", "pilotfish"))).toEqual(figures);
});

test("the node's own figures are never given for the container's: at the root they are unknown", async () => {
  using tree = new Tree({ "proc/self/cgroup": "0::/\n", ...under("cgroup", nodeRoot) });
  expect(await readCgroup(pathsOf(tree), "self", "pilotfish")).toEqual({ status: "unknown", detail: "its cgroup can not be seen from here, or is the node's own", points: [] });
});

test("in a pod the server's cgroup is read through its own root, not ours", async () => {
  using tree = new Tree();
  // Seen from our namespace the server's cgroup lies beside ours.
  tree.write("proc/77/cgroup", "0::/../cri-containerd-server.scope\n");
  for (const [path, text] of Object.entries({ ...under("cgroup", { ...container, "memory.current": "1\n" }), "cgroup/cgroup.controllers": "cpu memory io\n" })) tree.write(path, text);
  for (const [path, text] of Object.entries(under(`proc/77/root${tree.path("cgroup")}`, container))) tree.write(path, text);
  const reading = await readCgroup(pathsOf(tree), 77, "server");
  expect(named(reading)).toEqual(figures);
  expect(reading.points[0]?.labels).toEqual({ container: "server" });
});

test("where the server's root may not be entered, its cgroup is unknown, although ours is there", async () => {
  using tree = new Tree({ "proc/77/cgroup": "0::/../cri-containerd-server.scope\n", "cgroup/cgroup.controllers": "cpu\n", ...under("cgroup", container) });
  expect(await readCgroup(pathsOf(tree), 77, "server")).toMatchObject({ status: "unknown", points: [] });
});

test("a server in our own container has our cgroup", async () => {
  using tree = new Tree({ "proc/77/cgroup": "0::/\n", "cgroup/cgroup.controllers": "cpu\n", ...under("cgroup", container) });
  expect(named(await readCgroup(pathsOf(tree), 77, "server"))).toEqual(figures);
});

const membershipV1 = "12:pids:/docker/abc\n7:blkio:/docker/abc\n5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n0::/\n";
const containerV1 = {
  "cpuacct/cpuacct.usage": "93185642000\n",
  "cpu/cpu.stat": "nr_periods 18204\nnr_throttled 512\nthrottled_time 61250000000\n",
  "cpu/cpu.cfs_quota_us": "150000\n",
  "cpu/cpu.cfs_period_us": "100000\n",
  "blkio/blkio.throttle.io_service_bytes": "259:0 Read 409600\n259:0 Write 8192\n259:0 Sync 417792\n259:0 Async 0\n259:0 Discard 0\n259:0 Total 417792\n8:16 Read 0\n8:16 Write 1\nTotal 417793\n",
  "memory/memory.usage_in_bytes": "734003200\n",
  "memory/memory.limit_in_bytes": "2147483648\n",
  "memory/memory.stat": "cache 157286400\nrss 524288000\ninactive_file 1\ntotal_inactive_file 104857600\n",
  "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
};
const figuresV1 = Object.fromEntries(Object.entries(figures).filter(([name]) => !name.startsWith("pilotfish_pressure")));

test("version 1: a container whose cgroup is mounted at the top, though its path is the node's", async () => {
  using tree = new Tree({ "proc/self/cgroup": membershipV1, ...under("cgroup", containerV1) });
  const reading = await readCgroup(pathsOf(tree), "self", "pilotfish");
  expect(named(reading)).toEqual(figuresV1);
  expect(reading.detail).toBe("");
});

test("version 1: no limit is the largest number of pages, and a quota of -1", async () => {
  using tree = new Tree({
    "proc/self/cgroup": membershipV1,
    ...under("cgroup", { ...containerV1, "cpu/cpu.cfs_quota_us": "-1\n", "memory/memory.limit_in_bytes": "9223372036854771712\n" }),
  });
  const reading = named(await readCgroup(pathsOf(tree), "self", "pilotfish"));
  expect(reading).not.toHaveProperty("k8s_container_cpu_limit_current");
  expect(reading).not.toHaveProperty("k8s_container_memory_limit_current_bytes");
});

test("version 1: a controller at its root says the node's figures, so it is left out and named", async () => {
  using tree = new Tree({
    "proc/self/cgroup": "5:memory:/jobs/7\n2:cpuacct:/\n1:cpu:/\n0::/\n",
    "cgroup/unified/cgroup.controllers": "",
    "cgroup/cpu/cgroup.sane_behavior": "0\n",
    "cgroup/cpuacct/cgroup.sane_behavior": "0\n",
    "cgroup/memory/cgroup.sane_behavior": "0\n",
    ...under("cgroup", Object.fromEntries(Object.entries(containerV1).map(([path, text]) => [path.replace("memory/", "memory/jobs/7/"), text]))),
  });
  const reading = await readCgroup(pathsOf(tree), "self", "pilotfish");
  expect(reading.status).toBe("ok");
  expect(reading.detail).toBe("cpuacct: its cgroup can not be seen from here, or is the node's own; cpu: its cgroup can not be seen from here, or is the node's own");
  expect(Object.keys(named(reading)).sort()).toEqual([
    "container_memory_usage_bytes",
    "container_memory_working_set_bytes",
    "k8s_container_memory_limit_current_bytes",
    "pilotfish_memory_oom_kills_total",
  ]);
});

test("a process that is gone has no cgroup", async () => {
  using tree = new Tree({ "cgroup/cgroup.controllers": "cpu\n" });
  expect(await readCgroup(pathsOf(tree), 77, "server")).toMatchObject({ status: "unknown", points: [] });
});

test("membership and pressure are read by their formats", () => {
  expect([...parseMembership("4:cpu,cpuacct:/a:b\n0::/x\n")]).toEqual([["cpu", "/a:b"], ["cpuacct", "/a:b"], ["", "/x"]]);
  expect(parsePressure("some avg10=0.00 avg60=0.18 avg300=0.64 total=44222748\n")).toEqual([{ kind: "some", seconds: 44.222748 }]);
  expect(parsePressure("")).toEqual([]);
});

test.skipIf(process.platform !== "linux")("on this machine the figures hold this process and fit the machine, or it is said why there are none", async () => {
  const reading = await readCgroup({ proc: "/proc", cgroup: "/sys/fs/cgroup" }, "self", "pilotfish");
  const { container_memory_usage_bytes: memory, container_cpu_time_seconds_total: cpu } = named(reading);
  if (memory === undefined || cpu === undefined) expect(reading.detail).not.toBe("");
  if (memory !== undefined) {
    expect(memory).toBeGreaterThan(process.memoryUsage().heapUsed);
    expect(memory).toBeLessThanOrEqual(totalmem());
  }
  if (cpu !== undefined) expect(cpu).toBeGreaterThan(0);
});

/** Stories about the containers. */
import type { Series, Stories } from "./story.ts";

const server = { container: "server" };
const of = (name: string, values: string, labels = ""): Series => ({ [`${name}{container="server"${labels === "" ? "" : `, ${labels}`}}`]: values });
const memory = (workingSet: string): Series => ({ ...of("container_memory_working_set_bytes", workingSet), ...of("k8s_container_memory_limit_current_bytes", "1000x20") });
const stall = (resource: string, kind: string, values: string): Series => of("pilotfish_pressure_stall_time_seconds_total", values, `resource="${resource}", kind="${kind}"`);
const disk = (free: string): Series => ({ pilotfish_state_disk_free_bytes: free, pilotfish_state_disk_size_bytes: "1000x40" });

export const containers = {
  ContainerCpuThrottled: {
    fires: [{ series: of("pilotfish_cpu_throttled_time_seconds_total", "0+30x30"), at: "20m", quietAt: "9m", labels: server, value: "500ms" }],
    nearMisses: [{ since: "a fifth of a second in each is a little", series: of("pilotfish_cpu_throttled_time_seconds_total", "0+12x30"), at: "20m" }],
  },
  ContainerMemoryNearLimit: {
    fires: [{ series: memory("950x20"), at: "10m", quietAt: "4m", labels: server, value: "95%" }],
    nearMisses: [
      { since: "89 % is not 90 %", series: memory("890x20"), at: "10m" },
      { since: "there is no limit", series: of("container_memory_working_set_bytes", "9999x20"), at: "10m" },
    ],
  },
  ContainerOomKilled: {
    fires: [{ series: of("pilotfish_memory_oom_kills_total", "0x5 1x10"), at: "10m", quietAt: "5m", labels: server }],
    nearMisses: [{ since: "it was before", series: of("pilotfish_memory_oom_kills_total", "1x30"), at: "10m" }],
  },
  ContainerUnderPressure: {
    fires: [
      { series: stall("memory", "full", "0+12x30"), at: "20m", quietAt: "9m", labels: { ...server, resource: "memory", kind: "full" }, value: "20%" },
      { series: stall("cpu", "some", "0+45x30"), at: "20m", labels: { ...server, resource: "cpu", kind: "some" }, value: "75%" },
    ],
    nearMisses: [{ since: "somebody waits a little, and others run", series: { ...stall("memory", "some", "0+30x30"), ...stall("io", "full", "0+5x30"), ...stall("cpu", "some", "0+30x30") }, at: "20m" }],
  },
  StateDiskNearlyFull: {
    fires: [{ series: disk("50x40"), at: "20m", quietAt: "14m", value: "5%" }],
    nearMisses: [{ since: "11 % are free", series: disk("110x40"), at: "20m" }],
  },
} as const satisfies Stories;

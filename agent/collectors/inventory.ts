/** What the machine is: CPU and operating system, read once by systeminformation, which is loaded for it and runs child processes. */
import { instruments } from "../../exporters/instruments.ts";
import { unknown, type Collector, type Reading } from "./collector.ts";

export function inventory(intervalMs: number): Collector {
  let facts: Promise<Reading> | undefined;
  return {
    intervalMs,
    timeoutMs: 10_000,
    // Read once and told again and again, since a series that is not written for a while is gone.
    read: () => (facts ??= readFacts()),
  };
}

async function readFacts(): Promise<Reading> {
  try {
    const { default: systeminformation } = await import("systeminformation");
    const [cpu, os] = await Promise.all([systeminformation.cpu(), systeminformation.osInfo()]);
    const labels = { cpu: `${cpu.manufacturer} ${cpu.brand}`.trim(), cores: String(cpu.cores), os: `${os.distro} ${os.release}`.trim(), arch: os.arch };
    return { status: "ok", detail: Object.values(labels).join(", "), points: [{ instrument: instruments.hostInfo, labels, value: 1 }] };
  } catch (error) {
    return unknown(`the machine can not be described: ${String(error)}`);
  }
}

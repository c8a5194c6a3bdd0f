/**
 * NVML, NVIDIA's management library, called through koffi. Only what is called is declared, each when it is first used, since
 * older drivers lack some. Arguments are numbers, handles and buffers, so a struct is read where its layout is told.
 * Source: nvml.h of CUDA 12 and 13, which promises that neither functions nor structs change.
 */
import koffi from "koffi";

/** What NVML returns: 0 is well. */
export const nvmlReturn = { success: 0, notSupported: 3, insufficientSize: 7, timeout: 10, functionNotFound: 13 } as const;

export type Handle = bigint;
export type NvmlArgument = number | bigint | Buffer | null;
/** Calls a function and returns what it returned; one that this library lacks returns `functionNotFound`. */
export type Nvml = (name: NvmlFunction, ...args: readonly NvmlArgument[]) => number;

/** Arguments: `h` a handle, `i` a number of 32 bits, `l` of 64, `b` a place for an answer. */
const functions = {
  nvmlInit_v2: "",
  nvmlSystemGetDriverVersion: "bi",
  nvmlDeviceGetCount_v2: "b",
  nvmlDeviceGetHandleByIndex_v2: "ib",
  nvmlDeviceGetName: "hbi",
  nvmlDeviceGetUUID: "hbi",
  nvmlDeviceGetUtilizationRates: "hb",
  nvmlDeviceGetMemoryInfo_v2: "hb",
  nvmlDeviceGetTemperature: "hib",
  nvmlDeviceGetTemperatureThreshold: "hib",
  nvmlDeviceGetMarginTemperature: "hb",
  nvmlDeviceGetPowerUsage: "hb",
  nvmlDeviceGetEnforcedPowerLimit: "hb",
  nvmlDeviceGetTotalEnergyConsumption: "hb",
  nvmlDeviceGetClockInfo: "hib",
  nvmlDeviceGetCurrentClocksEventReasons: "hb",
  nvmlDeviceGetCurrentClocksThrottleReasons: "hb",
  nvmlDeviceGetTotalEccErrors: "hiib",
  nvmlDeviceGetRemappedRows: "hbbbb",
  nvmlDeviceGetPcieThroughput: "hib",
  nvmlDeviceGetPcieReplayCounter: "hb",
  nvmlDeviceGetFieldValues: "hib",
  nvmlDeviceGetComputeRunningProcesses_v3: "hbb",
  nvmlDeviceGetMigMode: "hbb",
  nvmlDeviceGetMaxMigDeviceCount: "hb",
  nvmlDeviceGetMigDeviceHandleByIndex: "hib",
  nvmlDeviceGetGpuInstanceId: "hb",
  nvmlDeviceGetComputeInstanceId: "hb",
  nvmlGpmQueryDeviceSupport: "hb",
  nvmlGpmSampleAlloc: "b",
  nvmlGpmSampleFree: "h",
  nvmlGpmSampleGet: "hh",
  nvmlGpmMigSampleGet: "hih",
  nvmlGpmMetricsGet: "b",
  nvmlEventSetCreate: "b",
  nvmlDeviceRegisterEvents: "hlh",
  nvmlEventSetWait_v2: "hbi",
} as const;

export type NvmlFunction = keyof typeof functions;

const types: Readonly<Record<string, string>> = { h: "uintptr_t", i: "uint32_t", l: "uint64_t", b: "void *" };

/** @throws where the library can not be loaded. */
export function loadNvml(path: string): Nvml {
  const library = koffi.load(path);
  const known = new Map<NvmlFunction, ((...args: readonly NvmlArgument[]) => number) | undefined>();
  const find = (name: NvmlFunction) => {
    try {
      return library.func(name, "int", Array.from(functions[name], (letter) => types[letter] as string)) as (...args: readonly NvmlArgument[]) => number;
    } catch {
      return undefined;
    }
  };
  return (name, ...args) => {
    if (!known.has(name)) known.set(name, find(name));
    return known.get(name)?.(...args) ?? nvmlReturn.functionNotFound;
  };
}

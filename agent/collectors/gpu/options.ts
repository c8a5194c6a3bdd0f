/** What can be said of the GPU's back ends in the config. */
import * as z from "zod";
import { duration } from "../../units.ts";

const dcgmExpected = 'expected the URL of dcgm-exporter\'s metrics, such as "http://10.0.0.7:9400/metrics"';

export const gpuOptions = z.strictObject({
  /** `auto`: the first that is there, of dcgm where its URL is given, nvml, amd, nvidia-smi, the model server's own metrics. */
  backend: z.enum(["auto", "nvml", "nvidia-smi", "dcgm", "amd", "server", "off"]).default("auto"),
  interval: duration(200).prefault("1s"),
  /** Of nvidia-smi. */
  command: z.string().min(1).default("nvidia-smi"),
  /** Of NVML. */
  library: z.string().min(1).default("libnvidia-ml.so.1"),
  dcgm: z
    .strictObject({
      url: z.url({ protocol: /^https?$/, error: dcgmExpected }).optional(),
      /** `any`: all GPUs of the node. Default: the host's name, which in Kubernetes is the pod's. */
      pod: z.string().min(1).optional(),
      namespace: z.string().min(1).optional(),
      timeout: duration(10).prefault("1s"),
    })
    .prefault({}),
});
export type GpuOptions = z.infer<typeof gpuOptions>;

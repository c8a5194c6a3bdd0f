/** What is wrong with the metrics of a config, beyond what its schema sees. The library of expressions is loaded only where there are any. */
import type { MetricOptions } from "./judge-options.ts";

/** @returns each mistake with its path within the list, such as `0.expression`. */
export async function metricMistakes(metrics: readonly MetricOptions[]): Promise<readonly { readonly path: string; readonly message: string }[]> {
  if (metrics.length === 0) return [];
  const { compileMetrics } = await import("./metric.ts");
  const compiled = compileMetrics(metrics);
  return compiled.ok ? [] : compiled.mistakes.map(({ path, message }) => ({ path: path.join("."), message }));
}

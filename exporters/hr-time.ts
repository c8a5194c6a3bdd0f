/** OpenTelemetry's time: whole seconds since 1970 and the nanoseconds beyond. */
import type { HrTime } from "@opentelemetry/api";

export function hrTime(wallMs: number): HrTime {
  return [Math.floor(wallMs / 1_000), Math.floor((wallMs % 1_000) * 1_000_000)];
}

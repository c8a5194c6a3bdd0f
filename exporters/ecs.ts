/**
 * A line of the log in the Elastic Common Schema, pure, so that Elasticsearch and Logstash take it as it is. Field names are
 * those of ECS 8.11 and of the ecs-logging specification: `@timestamp`, `log.level` and `message` first, `log.level` with its
 * dot. What ECS has no field for stands under `pilotfish`, as its guide asks of custom fields.
 */
import type { LogFields } from "../agent/log.ts";

export const ecsVersion = "8.11.0";

/** The fields of a line that are not its time, level and message. `fields` are without secrets and with their trace looked up. */
export function ecsFields(fields: LogFields): Record<string, unknown> {
  const { err, error, trace_id: traceId, span_id: spanId, event, ...others } = fields;
  const known = errorOf(err ?? error);
  const own = { ...others, ...(known === undefined && (err ?? error) !== undefined ? { error: err ?? error } : {}) };
  return {
    ...(known === undefined ? {} : { error: known }),
    ...(typeof traceId === "string" ? { trace: { id: traceId } } : {}),
    ...(typeof spanId === "string" ? { span: { id: spanId } } : {}),
    ...(typeof event === "string" ? { event: { dataset: "pilotfish.log", action: event } } : { event: { dataset: "pilotfish.log" } }),
    ...(Object.keys(own).length === 0 ? {} : { pilotfish: own }),
  };
}

function errorOf(error: unknown): Record<string, unknown> | undefined {
  if (typeof error === "string") return { message: error };
  if (typeof error !== "object" || error === null) return undefined;
  const { type, message, stack, code } = error as Readonly<Record<string, unknown>>;
  if (typeof message !== "string") return undefined;
  return {
    ...(typeof type === "string" ? { type } : {}),
    message,
    ...(typeof code === "string" ? { code } : {}),
    ...(typeof stack === "string" ? { stack_trace: stack } : {}),
  };
}

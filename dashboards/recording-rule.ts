/** A rule that Prometheus keeps the answer of, under a name of its own: `level:metric:operation`. */
export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

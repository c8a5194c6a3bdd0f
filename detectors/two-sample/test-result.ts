/** What a test of two samples says. */
export interface TestResult {
  readonly statistic: number;
  /** The chance of a statistic at least as far out while nothing has changed. Looked at every minute it alarms for ever. */
  readonly p: number;
}

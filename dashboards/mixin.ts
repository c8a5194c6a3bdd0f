/**
 * The door for whoever generates with options of their own, laid out as monitoring mixins are: what fires, what is recorded,
 * what is drawn, each from `readOptions({ job: "model-sidecars", objective: 0.995 })`. All are pure, and plain data in the
 * formats of Prometheus and Grafana.
 */
import { boards } from "./boards/boards.ts";
import { alertNames } from "./alerts.ts";
import { dashboardsOptions, type DashboardsOptions } from "./options.ts";
import { alertingGroups, recordingGroups, type RuleGroups } from "./rules.ts";

/** Alerting rules by group. They read what `rules` records. */
export const alerts = (options: DashboardsOptions): RuleGroups => alertingGroups(options);

/** Recording rules. */
export const rules = (options: DashboardsOptions): RuleGroups => recordingGroups(options);

/** Grafana's dashboards by their file's name, without `.json`. */
export const dashboards = (options: DashboardsOptions): Readonly<Record<string, object>> => boards(options);

/** One line a mistake: where it is, what is wrong, what is expected. */
export class OptionsError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "OptionsError";
    this.problems = problems;
  }
}

/** @throws OptionsError with every mistake in it, each with its path. */
export function readOptions(document: unknown): DashboardsOptions {
  const parsed = dashboardsOptions.safeParse(document ?? {});
  if (!parsed.success) {
    throw new OptionsError(parsed.error.issues.flatMap((issue) => (issue.code === "unrecognized_keys" ? issue.keys.map((key) => at([...issue.path, key], "there is no such option")) : [at(issue.path, issue.message)])));
  }
  const names = new Set<string>(alertNames(parsed.data));
  const unknown = Object.keys(parsed.data.alerts).filter((name) => !names.has(name));
  if (unknown.length > 0) throw new OptionsError(unknown.map((name) => at(["alerts", name], `there is no such alert; the names are those of docs/runbooks${nearest(name, names)}`)));
  return parsed.data;
}

const at = (path: readonly PropertyKey[], message: string): string => `${path.length === 0 ? "the options" : path.map(String).join(".")}: ${message}`;

/** The one with the longest beginning in common, for a name that was mistyped. */
function nearest(name: string, names: ReadonlySet<string>): string {
  const common = (other: string): number => {
    let length = 0;
    while (length < other.length && other[length]?.toLowerCase() === name[length]?.toLowerCase()) length += 1;
    return length;
  };
  const [best] = [...names].sort((a, b) => common(b) - common(a));
  return best === undefined || common(best) < 6 ? "" : `, such as ${best}`;
}

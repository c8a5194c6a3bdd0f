/**
 * The rules' tests in parts: promtool evaluates every rule at every minute of every story, so all rules with all stories take
 * minutes. A story about a GPU only needs the rules of GPUs.
 */
import type { ruleTests } from "../../dashboards/rule-tests.ts";
import type { RuleGroups } from "../../dashboards/rules.ts";

type Tests = ReturnType<typeof ruleTests>;

const recording = "pilotfish.recording";
/** Their alerts read recorded series. */
const readers = ["pilotfish.answers", "pilotfish.quality", "pilotfish.canary"];

export interface Part {
  readonly group: string;
  readonly rules: RuleGroups;
  readonly tests: Tests;
}

/** A part for each group with the stories about its alerts, and one of all rules for the healthy hours. */
export function byGroup({ groups }: RuleGroups, tests: Tests): readonly Part[] {
  const parts = groups.filter(({ name }) => name !== recording).map((group): Part => {
    const names = new Set(group.rules.map(({ alert }) => String(alert)));
    return {
      group: group.name,
      rules: { groups: groups.filter((other) => other === group || (other.name === recording && readers.includes(group.name))) },
      tests: { ...tests, tests: tests.tests.filter(({ name }) => names.has(name.split(" ")[0] ?? "")) },
    };
  });
  return [...parts, { group: "all", rules: { groups }, tests: { ...tests, tests: tests.tests.filter(({ name }) => name === "healthy hours") } }];
}

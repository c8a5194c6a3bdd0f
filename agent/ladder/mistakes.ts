/**
 * What is wrong with a ladder that its options' own shapes can not tell: names that are taken, ensembles of members that there
 * are not, rules that do not compile. Reads the files with the rules, opens nothing else.
 */
import { primaryName } from "../backend.ts";
import { candidateName } from "../trial.ts";
import { readRules } from "./rules-file.ts";
import type { Feature } from "./rule-options.ts";
import type { RungOptions } from "./rung-options.ts";

export interface LadderMistake {
  /** From the root of the config: `ladder.2.members.0`. */
  readonly path: string;
  readonly message: string;
}

/** Names with a meaning of their own; `none` is who has answered where nobody has. */
const taken = new Set<string>([primaryName, candidateName, "none"]);

/** Every mistake at once. `features`: those of the reference, where there is one. */
export async function ladderMistakes(rungs: readonly RungOptions[], features: readonly Feature[] | undefined): Promise<readonly LadderMistake[]> {
  const ofRules = await Promise.all(
    rungs.map(async (rung, index): Promise<readonly LadderMistake[]> => {
      if (rung.kind !== "rules") return [];
      const read = await readRules(rung.rules, rung.features, features);
      return read.ok ? [] : read.mistakes.map(({ path, message }) => ({ path: path === "" ? `ladder.${index}.rules` : `ladder.${index}.rules.${path}`, message }));
    }),
  );
  return [...nameMistakes(rungs), ...rungs.flatMap((rung, index) => memberMistakes(rung, index, rungs)), ...ofRules.flat()];
}

export function nameMistakes(rungs: readonly RungOptions[]): readonly LadderMistake[] {
  const names = rungs.map(({ name }) => name);
  return names.flatMap((name, index) => {
    const path = `ladder.${index}.name`;
    if (taken.has(name)) return [{ path, message: `"${name}" has a meaning of its own; choose another name` }];
    return names.indexOf(name) < index ? [{ path, message: `a rung before it is named "${name}" too; give each its own name` }] : [];
  });
}

export function memberMistakes(rung: RungOptions, index: number, rungs: readonly RungOptions[]): readonly LadderMistake[] {
  if (rung.kind !== "ensemble") return [];
  const { name, members, weights, quorum } = rung;
  const mistakes = members.flatMap((member, at): LadderMistake[] => {
    const path = `ladder.${index}.members.${at}`;
    const found = rungs.find((other) => other.name === member);
    if (member === name) return [{ path, message: "an ensemble can not be a member of itself" }];
    if (member === primaryName) return [{ path, message: "the primary's last good answer is a member by the name of a rung of kind last-good" }];
    if (found === undefined) return [{ path, message: `there is no rung named "${member}"; there are ${rungs.filter((other) => other !== rung).map((other) => other.name).join(", ") || "no others"}` }];
    if (found.kind === "ensemble") return [{ path, message: `"${member}" is an ensemble itself; name its members` }];
    return members.indexOf(member) < at ? [{ path, message: `"${member}" is a member already` }] : [];
  });
  for (const member of Object.keys(weights)) if (!members.includes(member)) mistakes.push({ path: `ladder.${index}.weights.${member}`, message: `"${member}" is no member` });
  if (quorum !== undefined && quorum > members.length) mistakes.push({ path: `ladder.${index}.quorum`, message: `a quorum of ${quorum} can not be had from ${members.length} members` });
  return mistakes;
}

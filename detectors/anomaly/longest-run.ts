/**
 * How strange is it that something has gone on for so long: an unchanged value, a silence? Compared with the longest of its
 * past runs: a run just longer has probability 1 / (runs + 1), one k times longer that over k cubed, as in a Pareto tail of
 * index 3. The longest fades slowly, so that what was once long may be strange again. O(1); two numbers of state.
 */
export interface RunState {
  runs: number;
  longest: number;
}

const fade = 1e-3;

export function startRun(): RunState {
  return { runs: 0, longest: 0 };
}

export function runProbability({ runs, longest }: RunState, length: number): number {
  if (runs === 0 || length <= longest) return 1;
  return (longest / length) ** 3 / (runs + 1);
}

export function learnRun(state: RunState, length: number): void {
  state.runs += 1;
  state.longest = Math.max(length, state.longest * (1 - fade), 1);
}

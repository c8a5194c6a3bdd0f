/**
 * A rollout on the example's server, for tests that look at everything a rollout can show: copies first, then a share of the
 * traffic, and a person who ends it; then the server is made to serve another version, past any rollout.
 */
import type { Addresses } from "./pilotfish.ts";

/** Everything on, and each wait short enough for a test. */
export const rolloutSettings: readonly string[] = [
  "rollout.mode=shadow-then-canary", "rollout.shadow.ratio=1", "rollout.shadow.hold=2s", "rollout.steps=[{weight: 0.3, hold: 5s, timeBox: 1m}, {weight: 0.6, hold: 5s, timeBox: 1m}]",
  // A person ends it, and no busy machine.
  "rollout.judge.latency.minimumHarm=100", "rollout.judge.shadow.latency.minimumHarm=1",
  "rollout.versions.dwell=2s", "rollout.versions.inferences=20", "rollout.versions.describe=1s",
  "retrain.enabled=true", "retrain.dwell=1s", "retrain.pause=1s",
];

async function say({ api }: Addresses, word: string, body: object): Promise<void> {
  const response = await fetch(`${api}/v1/rollout${word}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`/v1/rollout${word}: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

export const startRollout = (at: Addresses): Promise<void> => say(at, "", { candidate: { version: "2" }, reason: "a test looks at it" });

/** What the judge has not called harm or not worse by then takes its step by a person's word. */
export const promoteRollout = (at: Addresses): Promise<void> => say(at, "/promote", { reason: "a test looks at it" });

export const abortRollout = (at: Addresses): Promise<void> => say(at, "/abort", { reason: "a test has seen enough" });

/** Past any rollout: the server answers with this version from now on. */
export async function serveVersion({ server }: Addresses, version: string): Promise<void> {
  const response = await fetch(`${server}/v2/repository/models/employment/load`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ parameters: { version, serve: true } }), signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`the server did not load version ${version}: ${response.status}`);
  await response.arrayBuffer();
}

/** The versions' room on a clock that a test turns, and what it told. */
import type { Status, VersionSignal } from "../../../exporters/signal.ts";
import { versionsOptions } from "../../../agent/rollout/versions/options.ts";
import type { SavedVersions } from "../../../agent/rollout/versions/saved.ts";
import { versions, type Found, type RollbackAsked, type VersionsDeps } from "../../../agent/rollout/versions/versions.ts";
import type { FakeClock } from "../../fake-clock.ts";

export function room(clock: FakeClock, more: Partial<VersionsDeps> & { readonly saved?: unknown } = {}) {
  const announced: VersionSignal[] = [];
  const found: Found[] = [];
  const rollbacks: RollbackAsked[] = [];
  const world = { status: "healthy" as Status, trying: undefined as string | undefined, looks: 0, saved: undefined as SavedVersions | undefined };
  const made = versions({
    clock,
    options: versionsOptions.parse({}),
    target: () => ({ model: "employment", version: undefined, endpoint: "http://primary" }),
    status: () => world.status,
    announce: (signal) => announced.push(signal),
    found: (one) => found.push(one),
    rollback: (asked) => rollbacks.push(asked),
    trying: () => world.trying,
    describe: () => void (world.looks += 1),
    save: (state) => void (world.saved = structuredClone(state)),
    saved: undefined,
    ...more,
  });
  const close = made.start();
  return { made, close, announced, found, rollbacks, world };
}

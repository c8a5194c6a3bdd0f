/** `pilotfish demo`: a real model server and a real Pilotfish on this machine, and everything that can go wrong, in two minutes. */
import { parseOptions } from "./usage.ts";
import { systemClock } from "../clock.ts";
import { exit, type World } from "./world.ts";

export const demo = {
  usage: "pilotfish demo [--exit] [--json]",
  help: "See it work: a real model server is killed, hung and fed drifting data, under load.\n\nNeeds nothing but this package and loopback. Stays up at the end, so that state and metrics can be looked at, until Ctrl-C;\n--exit ends it. The exit code is 0 only if every claim in the closing table held. --json prints the table as JSON.\n\nExamples:\n  pilotfish demo\n  pilotfish demo --exit --json",
  async run(argv: readonly string[], world: World): Promise<number> {
    const { values } = parseOptions(argv, { exit: { type: "boolean", default: false }, json: { type: "boolean", default: false } });
    // Loaded here and not with the daemon, which has no use for it.
    const [{ makeScreen }, { tell }] = await Promise.all([import("./demo/screen.ts"), import("./demo/story.ts")]);
    // With --json, standard output is the table's alone.
    const screen = makeScreen(values.json ? { ...world, out: world.err, interactive: false } : world, () => systemClock.monotonicMs());
    const interrupted = Promise.withResolvers<void>();
    world.onSignal("SIGINT", interrupted.resolve);
    world.onSignal("SIGTERM", interrupted.resolve);

    const told = await tell(world, screen, interrupted.promise, async ({ urls }) => {
      screen.say(`\nstate    ${urls.api}/v1/state\nmetrics  ${urls.api}/metrics`);
      if (values.exit) return;
      screen.say("still swimming; Ctrl-C ends it");
      await interrupted.promise;
    });
    if (told === undefined) {
      world.err("\npilotfish demo: interrupted before its end\n");
      return exit.failed;
    }
    const ok = told.claims.every(({ held }) => held);
    if (values.json) world.out(`${JSON.stringify({ ok, ...told }, null, 2)}\n`);
    else screen.say(`\n${told.claims.filter(({ held }) => held).length} of ${told.claims.length} claims held; ${told.requests.sent} requests, ${told.requests.failed} failed; alarms: ${told.alarms.true} true, ${told.alarms.false} false`);
    return ok ? exit.done : exit.failed;
  },
};

/**
 * `pilotfish run`: the daemon. SIGTERM and SIGINT drain and end it with 0, a second one ends it at once, with 1; SIGHUP reads the config again, and keeps the old
 * one if the new one is bad.
 */
import { makeLog } from "../../exporters/logs.ts";
import { startAgent, type RunningAgent } from "../agent.ts";
import { systemClock } from "../clock.ts";
import { problemLine } from "../config/problem.ts";
import { complain, configOptions, load } from "./load.ts";
import { parseOptions } from "./usage.ts";
import { version } from "./version.ts";
import { exit, type World } from "./world.ts";

export const run = {
  usage: "pilotfish run (--config FILE | --server URL) [--set path=value]...",
  help: "Swim beside a model server.\n\n--config FILE    a YAML or JSON config; docs/CONFIG.md names every option\n--server URL     nothing but the model server, all else at its default\n--set path=value wins over the file, such as --set gateway.port=9000; may be given again\n\nSIGTERM drains and ends, a second one ends at once. SIGHUP reads the config again.",
  async run(argv: readonly string[], world: World): Promise<number> {
    const { values } = parseOptions(argv, configOptions);
    const loaded = await load(values, world);
    if (!loaded.ok) return complain(loaded, world);

    const log = makeLog(loaded.config.log, world.logFd, systemClock, version);
    const ended = Promise.withResolvers<void>();
    const endedAtOnce = Promise.withResolvers<"at once">();
    let signals = 0;
    const end = (): void => {
      signals += 1;
      if (signals === 1) ended.resolve();
      else endedAtOnce.resolve("at once");
    };
    world.onSignal("SIGTERM", end);
    world.onSignal("SIGINT", end);

    let agent: RunningAgent;
    try {
      agent = await startAgent(loaded.config, { clock: systemClock, log, version });
    } catch (error) {
      await log.close();
      world.err(`pilotfish run: ${error instanceof Error ? error.message : String(error)}\n`);
      return exit.failed;
    }
    world.started();

    let reloading: Promise<void> = Promise.resolve();
    world.onSignal("SIGHUP", () => {
      reloading = reloading.then(async () => {
        const again = await load(values, world);
        if (again.ok) return agent.reload(again.config);
        agent.refused();
        log.error({ problems: again.problems.map((problem) => problemLine(again.file, problem)) }, "the config was not reloaded, the old one stays in force");
      });
    });

    await ended.promise;
    const left = await Promise.race([reloading.then(() => agent.close()), endedAtOnce.promise]);
    if (left === "at once") {
      log.warn({}, "told to end a second time: ended at once, with whatever was under way");
      await log.close();
      return exit.failed;
    }
    if (left.length > 0) log.error({ left }, "some parts did not close in time; the process is ended without them");
    await log.close();
    if (left.length > 0) world.abandon();
    return exit.done;
  },
};

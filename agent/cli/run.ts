/**
 * `pilotfish run`: the daemon. SIGTERM and SIGINT drain and end it with 0, a second one ends it at once, with 1; SIGHUP reads the config again, and keeps the old
 * one if the new one is bad.
 */
import { makeLog } from "../../exporters/logs.ts";
import type { Reloaded } from "../api/config.ts";
import { startAgent, type RunningAgent } from "../agent.ts";
import { systemClock } from "../clock.ts";
import { problemLine } from "../config/problem.ts";
import { complain, configOptions, load } from "./load.ts";
import { parseOptions } from "./usage.ts";
import { version } from "./version.ts";
import { exit, type World } from "./world.ts";

export const run = {
  usage: "pilotfish run (--config FILE | --server URL) [--set path=value]...",
  help: "Swim beside a model server.\n\n--config FILE    a YAML or JSON config; docs/CONFIG.md names every option\n--server URL     nothing but the model server, all else at its default\n--set path=value wins over the file, such as --set gateway.port=9000; may be given again\n\nSIGTERM drains and ends, a second one ends at once. SIGHUP reads the config again.\n\nExamples:\n  pilotfish run --server http://127.0.0.1:8080\n  pilotfish run --config pilotfish.yaml --set gateway.port=9000",
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

    let agent: RunningAgent | undefined;
    let reloading: Promise<unknown> = Promise.resolve();
    /** By SIGHUP or over the API; one after the other. */
    const reload = (): Promise<Reloaded> => {
      const done = reloading.then(async (): Promise<Reloaded> => {
        const again = await load(values, world);
        if (again.ok && agent !== undefined) return agent.reload(again.config);
        const problems = again.ok ? [] : again.problems;
        agent?.refused();
        log.error({ problems: problems.map((problem) => problemLine(again.file, problem)) }, "the config was not reloaded, the old one stays in force");
        return { ok: false, problems };
      });
      reloading = done;
      return done;
    };

    try {
      agent = await startAgent(loaded.config, { clock: systemClock, log, version, environment: (name) => world.env[name], ...(values.config !== undefined && { reload }) });
    } catch (error) {
      await log.close();
      world.err(`pilotfish run: ${error instanceof Error ? error.message : String(error)}\n`);
      return exit.failed;
    }
    world.started();
    world.onSignal("SIGHUP", () => void reload());

    const running = agent;
    await ended.promise;
    const left = await Promise.race([reloading.then(() => running.close()), endedAtOnce.promise]);
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

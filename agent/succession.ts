/**
 * One swim after the other: the first, and those that take its place when the config is reloaded, when another reference is in
 * force, or once the server's protocol was found out. One change happens after the other, and where the next can not be made the
 * one before stays.
 */
import { isDeepStrictEqual } from "node:util";
import type { Reloaded } from "./api/config.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import { overrideOnly } from "./failover/saved.ts";
import { ask } from "./forward/ask.ts";
import type { Log } from "./log.ts";
import { startProtocolFinder } from "./protocol-finder.ts";
import type { ProtocolName } from "./protocols/protocols.ts";
import { startSwim, type Legacy, type Swim, type SwimDeps } from "./swim.ts";

export interface SuccessionDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** The config with the reference that is in force, which may have been uploaded. */
  readonly referring: (to: Config) => Config;
  /** Whether what was last offered is in force. */
  readonly reloadOk: (isOk: boolean) => void;
  /** Other rooms serve now. @param isSameServer before the server that was. */
  readonly replaced: (isSameServer: boolean) => void;
}

/** Functions, not methods: they are handed to other rooms one by one. */
export interface Succession {
  /** In force now. */
  readonly config: () => Config;
  /** undefined until it has begun. */
  readonly swim: () => Swim | undefined;
  /** What the model server speaks, as configured or as found out; until then what most do. */
  readonly protocol: () => ProtocolName;
  /** Rejects as startSwim does. */
  readonly start: (deps: SwimDeps, saved: Pick<Legacy, "failover" | "quarantine">) => Promise<Swim>;
  /** The same config with the reference that is in force now. */
  readonly renew: () => Promise<void>;
  /** Puts a new config in force without losing a request. Sections that only count at the start are named. */
  readonly reload: (offered: Config) => Promise<Reloaded>;
  readonly close: () => Promise<void>;
}

/** The sections that a reload puts in force; the gateway keeps its address and its threads, a rollout whom it tells and what is asked of versions. */
function withReloadable(config: Config, { server, gateway, ladder, contract, confidence, probes, collectors, failover, decisions: rules, rollout }: Config): Config {
  const { host, port, workers } = config.gateway;
  const { actuators, versions } = config.rollout;
  return { ...config, server, gateway: { ...gateway, host, port, workers }, ladder, contract, confidence, probes, collectors, failover, decisions: rules, rollout: { ...rollout, actuators, versions } };
}

export function succession(first: Config, { clock, log, referring, reloadOk, replaced }: SuccessionDeps): Succession {
  let config = first;
  let swim: Swim | undefined;
  let swimDeps: SwimDeps | undefined;
  let found: ProtocolName | undefined;
  let changes: Promise<unknown> = Promise.resolve();
  let stopFinding: () => void = () => {};
  const speaks = ({ server }: Config): ProtocolName => (server.protocol === "auto" ? (found ?? "open-inference") : server.protocol);

  /** Other rooms with another config, or for another protocol. False where the old ones stay. */
  async function become(next: Config): Promise<boolean> {
    const before = swim;
    if (before === undefined || swimDeps === undefined) return false;
    try {
      // What is known of the server that was is not known of another one.
      const isSame = next.server.url === config.server.url;
      const saved = before.failover.saved();
      const known = { failover: isSame ? saved : overrideOnly(saved), quarantine: isSame ? before.quarantine() : undefined };
      swim = await startSwim(next, swimDeps, { ...known, rev: before.failover.current().rev, protocol: speaks(next), front: before.gateway.handOver });
    } catch (error) {
      reloadOk(false);
      log.error({ error }, "the config was not reloaded, the old one stays in force");
      return false;
    }
    // A person may have decided while the rooms were made.
    swim.failover.adopt(before.failover.saved());
    const isSameServer = next.server.url === config.server.url;
    config = next;
    replaced(isSameServer);
    await before.retire();
    return true;
  }

  function inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = changes.then(change);
    changes = done.catch(() => {});
    return done;
  }

  /** Where the config leaves it open, the server is asked what it speaks. */
  function findOut(): void {
    stopFinding();
    if (config.server.protocol !== "auto") return;
    stopFinding = startProtocolFinder(new URL(config.server.url), config.model.name, {
      clock, ask,
      found(protocol) {
        const taken = speaks(config);
        found = protocol;
        log.info({ protocol }, "the server's protocol was found out");
        if (protocol !== taken) void inTurn(() => become(config));
      },
    });
  }

  return {
    config: () => config,
    swim: () => swim,
    protocol: () => speaks(config),
    async start(deps, saved) {
      swimDeps = deps;
      swim = await startSwim(first, deps, { ...saved, rev: 0, protocol: speaks(first), front: undefined });
      findOut();
      return swim;
    },
    async renew() {
      await inTurn(() => become(referring(config)));
    },
    async reload(offered) {
      const next = withReloadable(config, referring(offered));
      const before = config;
      if (next.server.url !== before.server.url) found = undefined;
      if (!(await inTurn(() => become(next)))) return { ok: false, problems: [{ path: "", message: "it could not be put in force; the log says why" }] };
      reloadOk(true);
      if (!isDeepStrictEqual(next.server, before.server)) findOut();
      const atNextStart = (Object.keys(offered) as (keyof Config)[]).filter((section) => !isDeepStrictEqual(referring(offered)[section], config[section]));
      log.info(atNextStart.length === 0 ? {} : { atNextStart }, atNextStart.length === 0 ? "the config was reloaded" : "the config was reloaded; some of it takes effect at the next start only");
      return { ok: true, atNextStart };
    },
    async close() {
      stopFinding();
      await swim?.close();
    },
  };
}

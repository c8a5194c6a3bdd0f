/**
 * Where the candidate on trial answers, when it is a server: the primary's own, by another path, or another one with pools of
 * its own. There is one such server at a time. When another deal holds its pools are let go, and closed once nothing is under way
 * there any more, so that the end of a rollout breaks no answer off.
 */
import type { Clock } from "../clock.ts";
import type { Deal } from "../trial.ts";
import { Destination } from "./destination.ts";

interface Pools {
  readonly url: string;
  readonly destination: Destination;
  /** Attempts under way. */
  using: number;
}

/** A place at a candidate's server, to be given back once. */
export interface Berth {
  readonly destination: Destination;
  leave(): void;
}

export class Candidates {
  readonly #clock: Clock;
  readonly #connections: number;
  readonly #primary: Berth;
  #current: Pools | undefined;
  /** Let go, and still in use. */
  readonly #leaving = new Set<Pools>();

  /** @param connections to the candidate, of each lane, at most. */
  constructor(clock: Clock, primary: Destination, connections: number) {
    this.#clock = clock;
    this.#connections = connections;
    this.#primary = { destination: primary, leave() {} };
  }

  /** Servers that there are pools for. */
  get size(): number {
    return this.#leaving.size + (this.#current === undefined ? 0 : 1);
  }

  /** The deal that holds now. Cost: a comparison while nothing changes. */
  holds(deal: Deal | undefined): void {
    const url = deal?.candidate.kind === "server" ? deal.candidate.url : undefined;
    const pools = this.#current;
    if (pools === undefined || pools.url === url) return;
    this.#current = undefined;
    if (pools.using > 0) this.#leaving.add(pools);
    else void pools.destination.close();
  }

  /** `url`: of the deal that holds; undefined: the primary's own server. */
  enter(url: string | undefined): Berth {
    if (url === undefined) return this.#primary;
    const pools = (this.#current ??= this.#open(url));
    pools.using += 1;
    return {
      destination: pools.destination,
      leave: () => {
        pools.using -= 1;
        if (pools.using === 0 && this.#leaving.delete(pools)) void pools.destination.close();
      },
    };
  }

  async close(): Promise<void> {
    const all = [...this.#leaving, ...(this.#current === undefined ? [] : [this.#current])];
    this.#leaving.clear();
    this.#current = undefined;
    await Promise.all(all.map(({ destination }) => destination.close()));
  }

  #open(url: string): Pools {
    const server = new URL(url);
    return { url, destination: new Destination(this.#clock, server, { connections: this.#connections, host: server.host }), using: 0 };
  }
}

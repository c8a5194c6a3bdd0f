/** The door: all dashboards, by the names of their files. */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { boardNames, type BoardName } from "../links.ts";
import type { DashboardsOptions } from "../options.ts";
import { build, type Board } from "./board.ts";
import { drift } from "./drift.ts";
import { failover } from "./failover.ts";
import { fleet } from "./fleet.ts";
import { hardware } from "./hardware.ts";
import { inference } from "./inference.ts";
import { overview } from "./overview.ts";
import { performance } from "./performance.ts";
import { pilotfish } from "./pilotfish.ts";
import { rollout } from "./rollout.ts";

const all: Readonly<Record<BoardName, Board>> = { overview, inference, failover, drift, performance, rollout, hardware, fleet, pilotfish };

/** In the order in which a person on call asks, for one's own options. */
export function boards(options: DashboardsOptions): Readonly<Record<BoardName, Dashboard>> {
  return Object.fromEntries(boardNames.map((name) => [name, build(all[name], options)])) as Record<BoardName, Dashboard>;
}

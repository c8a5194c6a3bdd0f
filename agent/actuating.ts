/**
 * Who is told of a rollout besides the gateway, with hands on the others: the signals, the model server, the history, the store, and
 * on-call where nothing shows that the world has heard. Nothing is decided here.
 */
import { instruments } from "../exporters/instruments.ts";
import type { Meter } from "../exporters/meter.ts";
import type { Announce, UnheardSignal } from "../exporters/signal.ts";
import type { SignalHub } from "../exporters/websocket.ts";
import type { Analysis } from "./analysis.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import { ask } from "./forward/ask.ts";
import type { Log } from "./log.ts";
import { protocolNamed, type ProtocolName } from "./protocols/protocols.ts";
import type { ActuationReport } from "./rollout/actuators/actuation.ts";
import { actuators, type Actuators, type ActuatorsDeps } from "./rollout/actuators/actuators.ts";
import type { Swim } from "./swim.ts";

export interface ActuatingDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly announce: Announce;
  readonly followers: SignalHub["view"];
  readonly instance: string;
  readonly environment: ActuatorsDeps["environment"];
  readonly config: () => Config;
  readonly swim: () => Pick<Swim, "failover"> | undefined;
  readonly protocol: () => ProtocolName;
  readonly told: (report: ActuationReport) => void;
  readonly page: (unheard: UnheardSignal) => void;
  readonly save: Analysis["save"];
  readonly saved: ReadonlyMap<string, unknown>;
}

const key = "actuations";

export function actuating({ clock, log, meter, announce, followers, instance, environment, config, swim, protocol, told, page, save, saved }: ActuatingDeps): Actuators {
  function tell(status: UnheardSignal["status"], { actuator, action, detail }: Pick<ActuationReport, "actuator" | "action" | "detail">): void {
    const target = swim()?.failover.current().target;
    if (target !== undefined) page({ type: "unheard", target, status, actuator, action, detail, atWallMs: clock.wallMs() });
  }

  const made: Actuators = actuators(
    config().rollout.actuators,
    {
      clock, log, ask, announce, followers, instance, environment,
      target: () => swim()?.failover.current().target,
      protocol: () => protocolNamed(protocol(), config().server.plain),
      server: () => new URL(config().server.url),
      counted(actuator, action, result) {
        meter.counter(instruments.actuations, { actuator, action, result }).add();
        // Whatever was not heard before, this was, and it says all there is to know.
        if (result === "done") for (const before of ["roll-back", "promote"] as const) tell("resolved", { actuator, action: before, detail: result });
      },
      trouble: (report) => tell("firing", report),
      told(report) {
        told(report);
        save(key, made.pending());
      },
    },
    saved.get(key),
  );
  return {
    ...made,
    run(actuation) {
      made.run(actuation);
      save(key, made.pending());
    },
  };
}

/**
 * The door: who is told of a rollout, by kind, and in which order.
 *
 * Each actuator waits until the one before it in the config is through with its attempts: a page that says "rolled back" should come
 * after the server was told, and the last in the list can know that the others were tried. `wait: false` lets those after it go on at
 * once. The order is a courtesy and no condition: one that fails keeps nobody after it from being told, and the gateway, which alone
 * keeps clients from a bad candidate, is first and waits for nobody.
 *
 * What is pending can be saved at any moment and gone on with by the next process: everything is told at least once, and bears an id
 * by which it is known when it comes twice.
 */
import type { Close } from "../../lifecycle.ts";
import type { Log } from "../../log.ts";
import type { Action, Actuation, ActuationReport, Actuator, Result } from "./actuation.ts";
import { cloudEvent, type CloudEventDeps } from "./cloud-event.ts";
import { directive, type DirectiveDeps } from "./directive.ts";
import { gatewayReport } from "./gateway.ts";
import { kserve, type KserveDeps } from "./kserve.ts";
import { Lane } from "./lane.ts";
import type { ActuatorKind, ActuatorOptions } from "./options.ts";
import { repository, type RepositoryDeps } from "./repository.ts";
import { parseSaved } from "./saved.ts";
import type { SavedTask, Task } from "./task.ts";
import { webhook } from "./webhook.ts";

export interface ActuatorsDeps extends DirectiveDeps, RepositoryDeps, CloudEventDeps, KserveDeps {
  readonly log: Log;
  /** Each new word of an actuation at an actuator; the same `id` and `actuator` again takes the place of the one before. */
  readonly told: (report: ActuationReport) => void;
  /** Once for each actuation at an actuator, when its attempts are through; once more where a late one then ends otherwise. */
  readonly counted?: (actuator: string, action: Action, result: Result) => void;
  /** It failed, or nothing shows that it came into effect: somebody should look. Not of what was skipped. */
  readonly trouble?: (report: ActuationReport) => void;
}

export interface Actuators {
  /** Has everybody told. Never waits, never throws; what is known by its id already is passed over. */
  run(actuation: Actuation): void;
  /** Of what is not over, as plain data for the store, to be handed over at the next start. It changes with each word that is told. */
  pending(): readonly SavedTask[];
  /** Nothing is told before. What it returns breaks off what is under way and keeps it pending. */
  start(): Close;
}

/** Those that are told; the gateway has done it already. */
type ToldKind = Exclude<ActuatorKind, "gateway">;
type OptionsOf<Kind extends ToldKind> = Extract<ActuatorOptions, { kind: Kind }>;

const kinds = {
  directive: (_options, deps) => directive(deps),
  repository,
  webhook,
  cloudevent: cloudEvent,
  kserve,
} as const satisfies { [Kind in ToldKind]: (options: OptionsOf<Kind>, deps: ActuatorsDeps) => Actuator };

/** @param kept what `pending` gave to the store before; whatever else it is, is passed over. */
export function actuators(options: readonly ActuatorOptions[], deps: ActuatorsDeps, kept?: unknown): Actuators {
  const { clock, log, counted, trouble } = deps;
  const told = guarded(deps.told, log);
  const laneDeps = { clock, told, settled };
  const lanes = options.flatMap((one) => (one.kind === "gateway" ? [] : [new Lane(one, make(one, deps), laneDeps)]));
  let saved = parseSaved(kept);
  let early: Actuation[] = [];
  let started = false;

  function settled(report: ActuationReport & { readonly result: Result }): void {
    const { id: _id, atWallMs: _atWallMs, ...fields } = report;
    const isTrouble = report.result === "failed" || report.result === "unconfirmed";
    guarded(() => {
      counted?.(report.actuator, report.action, report.result);
      if (isTrouble) trouble?.(report);
    }, log)(report);
    if (isTrouble) log.warn(fields, "the world was told of a rollout, and nothing shows that it heard");
    else log.info(fields, "the world was told of a rollout");
  }

  function run(actuation: Actuation): void {
    if (lanes.some((lane) => lane.knows(actuation))) return;
    const report = gatewayReport(actuation, clock.wallMs());
    told(report);
    settled(report);
    for (const lane of lanes) if (!lane.heeds(actuation)) lane.pass(actuation);
    void inOrder(lanes.filter((lane) => lane.heeds(actuation)).map((lane) => [lane, lane.offer(actuation)]));
  }

  function goOn(tasks: readonly SavedTask[]): void {
    void inOrder(lanes.flatMap((lane) => tasks.filter(({ actuator }) => actuator === lane.options.name).map((task) => [lane, lane.offer(task.actuation, task)] as const)));
    for (const { actuator, actuation, attempts } of tasks) {
      if (lanes.some(({ options: { name } }) => name === actuator)) continue;
      const { id, rollout, action } = actuation;
      told({ id, rollout, actuator, action, result: "skipped", attempts, detail: "it is not in the config any more", atWallMs: clock.wallMs() });
    }
  }

  return {
    run(actuation) {
      if (started) run(actuation);
      else early = [...early, actuation].slice(-earlyMax);
    },
    pending: () => [...saved, ...lanes.flatMap((lane) => lane.saved())],
    start() {
      started = true;
      const tasks = Map.groupBy(saved, ({ actuation }) => actuation.id);
      saved = [];
      for (const those of tasks.values()) goOn(those);
      for (const actuation of early.splice(0)) run(actuation);
      return async () => {
        await Promise.all(lanes.map((lane) => lane.close()));
      };
    },
  };
}

/** What may come before the start: a rollout that goes on says so once. */
const earlyMax = 16;

/** Whoever is told of results must not keep the next actuator from being told of the rollout. */
function guarded(tell: (report: ActuationReport) => void, log: Log): (report: ActuationReport) => void {
  return (report) => {
    try {
      tell(report);
    } catch (error) {
      log.error({ error, actuator: report.actuator, action: report.action }, "what became of an actuation could not be told");
    }
  };
}

async function inOrder(those: readonly (readonly [Lane, Task])[]): Promise<void> {
  for (const [lane, task] of those) {
    lane.begin(task);
    if (lane.options.wait) await task.settled;
  }
}

function make(options: OptionsOf<ToldKind>, deps: ActuatorsDeps): Actuator {
  const by = kinds[options.kind] as (options: OptionsOf<ToldKind>, deps: ActuatorsDeps) => Actuator;
  return by(options, deps);
}

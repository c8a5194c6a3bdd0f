import { beforeEach, expect, test } from "vitest";
import { directives, type Directives } from "../agent/directives.ts";
import type { Override } from "../agent/override.ts";
import type { DirectiveSignal, Signal, Status } from "../exporters/signal.ts";
import { FakeClock } from "./fake-clock.ts";

const target = { model: "employment", version: "1", endpoint: "http://127.0.0.1:8080" };
let told: string[];
let room: Directives;

beforeEach(() => {
  told = [];
  const announce = (signal: Signal) => void told.push(tell(signal as DirectiveSignal));
  room = directives({ clock: new FakeClock(), announce, target: () => target });
});

function tell(signal: DirectiveSignal): string {
  const what = signal.action === "restore" ? signal.of?.join("+") : "rung" in signal ? signal.rung : "";
  return `${signal.action} ${what}`.trim();
}

function state(status: Status, rung = "primary", at = target): void {
  room.signal({ type: "state", target: at, status, rung, reason: "normal", cause: { detector: "traffic", code: "refused", evidence: "5 in a row" }, sinceWallMs: 0, rev: 1 });
}

const override = (action: Override["action"], rung = "small"): Override => ({ id: "o1", action, rung, owner: "ann", reason: "release", atWallMs: 0, untilWallMs: 1 });
const take = () => told.splice(0);

test("a primary that fails is ejected and its rung is named; a trial changes nothing; once it is back, both are taken back in one", () => {
  state("healthy");
  state("suspect");
  expect(take()).toEqual([]);
  state("failed", "small");
  expect(take()).toEqual(["eject", "route small"]);
  state("failed", "small");
  state("probation", "small");
  expect(take()).toEqual([]);
  state("failed", "other");
  expect(take()).toEqual(["route other"]);
  state("healthy");
  expect(take()).toEqual(["restore eject+route"]);
});

test("where no rung can answer there is nowhere to route to", () => {
  state("failed", "none");
  expect(take()).toEqual(["eject"]);
});

test("an isolated primary is ejected; a degraded one is not", () => {
  state("degraded");
  expect(take()).toEqual([]);
  state("isolated", "small");
  expect(take()).toEqual(["eject", "route small"]);
});

test("a person's hold and drain are in force until they end, whatever the circuit does meanwhile", () => {
  state("healthy");
  room.override(override("drain"));
  expect(take()).toEqual(["drain"]);
  state("failed", "small");
  state("healthy");
  expect(take()).toEqual(["eject", "route small", "restore eject+route"]);
  room.override(override("hold", "primary"));
  expect(take()).toEqual(["restore drain", "hold primary"]);
  room.override(undefined);
  room.override(undefined);
  expect(take()).toEqual(["restore hold"]);
});

test("a pin is told by the route that follows from it, and by nothing of its own", () => {
  state("healthy");
  room.override(override("pin"));
  expect(take()).toEqual([]);
  state("healthy", "small");
  expect(take()).toEqual(["route small"]);
});

test("another server is not what the one before was: what was said of that one is taken back", () => {
  state("failed", "small");
  take();
  state("unknown", "primary", { ...target, endpoint: "http://127.0.0.1:9090" });
  expect(take()).toEqual(["restore eject+route"]);
});

test("a sidecar that goes away asks for a drain", () => {
  room.closing();
  expect(take()).toEqual(["drain"]);
});

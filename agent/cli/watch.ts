/** `pilotfish watch`: state, ladder, traffic, drift and what happened last, live; on a terminal a whole screen of it, elsewhere a line a change. */
import { systemClock as clock, wait } from "../clock.ts";
import type { Command } from "./command.ts";
import { CallError, control, controlHelp, controlOptions, controlUsage, jsonOf, type Control } from "./control.ts";
import { harmless, paintFor } from "./paint.ts";
import { signalLine } from "./signals.ts";
import { stateShown, type StateShown } from "./state.ts";
import { tail } from "./tail.ts";
import { parseOptions } from "./usage.ts";
import { figuresOf, totalsIn, type Figures, type Totals } from "./watch/figures.ts";
import { screen } from "./watch/screen.ts";
import { openTerminal, type Terminal } from "./watch/terminal.ts";
import { exit, type World } from "./world.ts";

const readMs = 1_000;
/** Traffic is shown over the latest so many readings. */
const window = 10;
const eventsMax = 200;

export const watch: Command = {
  usage: `pilotfish watch ${controlUsage}`,
  help: `Show live how a running Pilotfish and its model server are. Ends on Ctrl-C.\n\nOn a terminal: the ladder and who answers, traffic and latency, probes, drift and the last events, redrawn each second. Elsewhere a\nline for each change.\n\n${controlHelp.replace(/--json .*/, "--json            the state as one line of JSON, at each change")}\n\nExamples:\n  pilotfish watch\n  pilotfish watch --json | jq .status`,
  async run(argv, world) {
    const { values } = parseOptions(argv, controlOptions);
    const api = await control(values, world);
    const ended = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const) world.onSignal(signal, () => ended.abort());
    // A wrong address or token ends it at once; what is lost later is waited for.
    const first = await stateOf(api);
    if (values.json) await eachChange(api, ended.signal, first, (_, text) => world.out(`${text}\n`));
    else if (world.interactive) await wholeScreen(api, ended.signal, first, world);
    else await eachChange(api, ended.signal, first, ({ status, rung, reason, since, cause }) => world.out(`${since}  ${status}, ${rung} answers (${reason})${cause.code === "none" ? "" : `: ${harmless(cause.evidence)}`}\n`));
    return exit.done;
  },
};

interface Told {
  readonly state: StateShown;
  readonly text: string;
}

async function stateOf(api: Control): Promise<Told> {
  const { status, text } = await api.ask("GET", "/v1/state");
  const parsed = stateShown.safeParse(jsonOf(text));
  if (status !== 200 || !parsed.success) throw new CallError(`${api.at}/v1/state: it told no state; it is still starting, or no Pilotfish`);
  return { state: parsed.data, text };
}

/** Says what is so now, and then what is so after each change of state; whatever is lost meanwhile comes back or does not. */
async function eachChange(api: Control, signal: AbortSignal, first: Told, tell: (state: StateShown, text: string) => void): Promise<void> {
  let before = "";
  for (let told: Told | undefined = first; !signal.aborted; told = await stateOf(api).catch(() => undefined)) {
    if (told !== undefined) {
      const { status, rung, reason, since, override } = told.state;
      const now = JSON.stringify([status, rung, reason, since, override]);
      if (now !== before) tell(told.state, told.text);
      before = now;
    }
    await wait(clock, readMs, signal).catch(() => {});
  }
}

const eventKinds: ReadonlySet<string> = new Set(["transition", "drift", "directive", "rollout", "version"]);

async function wholeScreen(api: Control, signal: AbortSignal, first: Told, world: World): Promise<void> {
  const paint = paintFor(world);
  const terminal: Terminal = openTerminal(world);
  const events: string[] = [];
  const scraped: Totals[] = [];
  let state = first.state;
  let figures: Figures | undefined;
  let lost: string | undefined;
  const draw = (): void => terminal.draw(screen({ at: api.at, state, figures, events, lost, nowWallMs: clock.wallMs() }, world.size?.() ?? { columns: world.columns, rows: 24 }, paint));
  const stopResizes = world.onResize?.(draw) ?? (() => {});
  const closeTail = tail(api, clock, {
    frame(frame) {
      // What was so at the beginning stands before all that happens; later states come with their transitions.
      if (!eventKinds.has(frame.kind) && (frame.kind !== "state" || events.length > 0)) return;
      // Plain, since a line is cut to the screen by its characters.
      events.push(signalLine(frame, (_, text) => text));
      if (events.length > eventsMax) events.shift();
    },
    turned() {}, // What is lost the state's own reading says.
  });
  try {
    while (!signal.aborted) {
      draw();
      await wait(clock, readMs, signal).catch(() => {});
      if (signal.aborted) break;
      try {
        ({ state } = await stateOf(api));
        const page = await api.ask("GET", "/metrics").catch(() => undefined);
        const totals = page && totalsIn(page.text, clock.monotonicMs());
        if (totals !== undefined) scraped.push(totals);
        if (scraped.length > window) scraped.shift();
        const [oldest, newest] = [scraped[0], scraped.at(-1)];
        if (oldest !== undefined && newest !== undefined && oldest !== newest) figures = figuresOf(oldest, newest);
        lost = undefined;
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        lost = "not reachable; what is shown is the last that was known";
      }
    }
  } finally {
    closeTail();
    stopResizes();
    terminal.leave();
  }
}

/** What `pilotfish watch` shows, as lines that fit a terminal of so many columns and rows. Pure. */
import { harmless, statusColour, type Colour, type Paint } from "../paint.ts";
import type { StateShown } from "../state.ts";
import type { Figures } from "./figures.ts";

export interface View {
  readonly at: string;
  readonly state: StateShown | undefined;
  readonly figures: Figures | undefined;
  /** Latest last. */
  readonly events: readonly string[];
  /** Why nothing newer is known; undefined while all is well. */
  readonly lost: string | undefined;
  readonly nowWallMs: number;
}

type Part = readonly [text: string, colour?: Colour | undefined];
type Line = readonly Part[];

/** At most `rows` lines of at most `columns` characters, what is least needed left out first. */
export function screen(view: View, { columns, rows }: { readonly columns: number; readonly rows: number }, paint: Paint): readonly string[] {
  const { state } = view;
  const head: Line[] = [[["pilotfish ", "bold"], [view.at, "dim"], ...(view.lost === undefined ? [] : [[`  ${view.lost}`, "red"] as const])]];
  const body: Line[] = state === undefined ? [[], [["waiting for its state", "dim"]]] : [[], ...about(state, view.nowWallMs), [], ...traffic(view.figures), [], ...ladder(state, view.figures), ...probes(state), ...drift(state)];
  const fixed = [...head, ...body];
  const room = Math.max(0, rows - fixed.length - 2);
  const events: Line[] = room === 0 ? [] : [[], [["last events", "bold"]], ...(view.events.length === 0 ? [[["none yet", "dim"]] as Line] : view.events.slice(-room).map((event): Line => [[event]]))];
  return [...fixed, ...events].slice(0, rows).map((line) => fitted(line, columns, paint));
}

function about({ model, server, status, since, rung, reason, cause, override }: StateShown, nowWallMs: number): Line[] {
  const name = `${model.name}${model.version === null ? "" : ` version ${model.version}`} at ${server.url}`;
  return [
    [[`${name}: `], [status, statusColour(status)], [` for ${span(nowWallMs - Date.parse(since))}`]],
    [["answers come from "], [rung, "bold"], [reason === "normal" ? "" : ` (${reason})`]],
    ...(cause.code === "none" ? [] : [[[`because ${cause.evidence}`, "dim"]] as Line]),
    ...(override ? [[[`override: ${override.action} of ${override.rung} by ${override.owner}, ends in ${span(Date.parse(override.until) - nowWallMs)}`, "yellow"]] as Line] : []),
  ];
}

function traffic(figures: Figures | undefined): Line[] {
  if (figures === undefined) return [[["traffic   ", "bold"], ["not measured yet", "dim"]]];
  const { perSecond, median, p99 } = figures;
  const latency = median === undefined ? "" : `   half within ${milliseconds(median)}, 99 % within ${milliseconds(p99)}`;
  return [[["traffic   ", "bold"], [`${perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond))} inferences/s${latency}`]]];
}

function ladder({ ladder: rungs, rung: answering }: StateShown, figures: Figures | undefined): Line[] {
  const shares = new Map(figures?.rungs);
  return [{ name: "primary", price: undefined }, ...rungs].map(({ name, price }): Line => {
    const share = shares.get(name) ?? 0;
    const bar = "█".repeat(Math.round(20 * share)).padEnd(20, "·");
    const isActive = name === answering;
    const standing = price ? `${price.standing}${price.seconds.median === null ? "" : `, ${milliseconds(price.seconds.median)}`}` : "";
    return [[isActive ? "▶ " : "  ", "green"], [name.padEnd(16), isActive ? "bold" : undefined], [bar, "cyan"], [` ${String(Math.round(100 * share)).padStart(3)} %  `], [standing, price?.standing === "ineligible" ? "red" : "dim"]] as Line;
  });
}

const verdictColours: Readonly<Record<string, Colour>> = { pass: "green", fail: "red", unknown: "dim" };

function probes({ probes: known }: StateShown): Line[] {
  const all = Object.entries(known);
  return all.length === 0 ? [] : [[], [["probes    ", "bold"], ...all.flatMap(([name, { verdict }]): Part[] => [[`${name} `], [`${verdict}   `, verdictColours[verdict] ?? "yellow"]])]];
}

function drift({ drift: firing, evidence }: StateShown): Line[] {
  const { log10 = null, threshold = null } = evidence ?? {};
  const level = log10 === null || threshold === null ? "" : `evidence ${log10.toFixed(1)} of ${threshold.toFixed(1)} (log10)`;
  const told = firing.map(({ stream, message }): Line => [[`          ${stream}: ${message}`, "yellow"]]);
  return [[["drift     ", "bold"], [firing.length === 0 ? `none${level === "" ? "" : `, ${level}`}` : level, firing.length === 0 ? undefined : "yellow"]], ...told];
}

/** Cut by characters, colours not counted. */
function fitted(line: Line, columns: number, paint: Paint): string {
  let left = columns;
  return line
    .map(([text, colour]) => {
      const cut = harmless(text).slice(0, Math.max(0, left));
      left -= cut.length;
      return colour === undefined || cut === "" ? cut : paint(colour, cut);
    })
    .join("");
}

function milliseconds(seconds: number | undefined): string {
  if (seconds === undefined || seconds === Number.POSITIVE_INFINITY) return "more than 30 s";
  return seconds >= 1 ? `${seconds} s` : `${Number((1_000 * seconds).toPrecision(2))} ms`;
}

/** `5 s`, `3 min`, `2 h 5 min`, `4 d`. */
function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min` : `${Math.floor(seconds / 86_400)} d`;
}

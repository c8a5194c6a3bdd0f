/**
 * The decision that all workers share, in two words of memory: the route, and a ticket for the trial. Written by the main
 * thread alone, except that a worker takes the ticket; so a change of route holds for every worker's next request, whatever
 * waits in the messages between them, and of all requests in all workers exactly one gets a trial.
 *
 * A ticket is a number that is used once. The main thread puts it down while a trial may be claimed; whoever replaces it by
 * none has it, and says so before anything else that it says. Until then no other one is put down.
 */
import { primaryName, reasons, type Route, type Rung } from "../backend.ts";

/** Two words: the route and the ticket. */
export type DecisionCells = Int32Array;

const routeCell = 0;
const ticketCell = 1;
const noTicket = 0;
const primaryWays = ["flows", "trial", "blocked", "drained"] as const;
const reasonBits = 8;
const wayBits = 2;

export function decisionCells(): DecisionCells {
  return new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
}

/** Where a route points to: the primary, a rung, or nobody. */
function namesFor(rungs: readonly Pick<Rung, "name">[]): readonly string[] {
  return [primaryName, ...rungs.map(({ name }) => name), "none"];
}

/** The main thread's side. */
export class Decision {
  readonly cells: DecisionCells = decisionCells();
  readonly #names: readonly string[];
  #tickets = 0;
  /** Put down, and not known to be taken. */
  #offered: number | undefined;

  constructor(rungs: readonly Pick<Rung, "name">[]) {
    this.#names = namesFor(rungs);
  }

  /** From now on this is so. */
  set({ primary, reason, rung }: Route, mayClaim: boolean): void {
    const place = this.#names.indexOf(rung);
    const name = place < 0 ? this.#names.length - 1 : place;
    Atomics.store(this.cells, routeCell, (((name << reasonBits) | reasons.indexOf(reason)) << wayBits) | primaryWays.indexOf(primary));
    if (primary === "trial" && mayClaim) this.#offer();
    else this.#withdraw();
  }

  /** A worker says that it has taken this one. */
  taken(ticket: number): void {
    if (this.#offered === ticket) this.#offered = undefined;
  }

  /** A worker has died; if it had taken the ticket, nobody will say so. */
  workerLost(): void {
    if (Atomics.load(this.cells, ticketCell) === noTicket) this.#offered = undefined;
  }

  #offer(): void {
    if (this.#offered !== undefined) return;
    this.#offered = this.#tickets += 1;
    Atomics.store(this.cells, ticketCell, this.#offered);
  }

  /** Where it is gone already, its taker will say so. */
  #withdraw(): void {
    if (this.#offered === undefined) return;
    if (Atomics.compareExchange(this.cells, ticketCell, this.#offered, noTicket) === this.#offered) this.#offered = undefined;
  }
}

/** A worker's side. */
export class DecisionReader {
  readonly #cells: DecisionCells;
  readonly #names: readonly string[];
  #word = -1;
  #route: Route = { primary: "flows", reason: "normal", rung: primaryName };

  constructor(cells: DecisionCells, rungs: readonly Pick<Rung, "name">[]) {
    this.#cells = cells;
    this.#names = namesFor(rungs);
  }

  /** Cost: one load while nothing has changed. */
  route(): Route {
    const word = Atomics.load(this.#cells, routeCell);
    if (word === this.#word) return this.#route;
    const reason = reasons[(word >> wayBits) & ((1 << reasonBits) - 1)] as Route["reason"];
    this.#route = Object.freeze({ primary: primaryWays[word & ((1 << wayBits) - 1)] as Route["primary"], reason, rung: this.#names[word >> (wayBits + reasonBits)] as string });
    this.#word = word;
    return this.#route;
  }

  /** The number of the ticket, where we have taken it. */
  take(): number | undefined {
    const ticket = Atomics.load(this.#cells, ticketCell);
    if (ticket === noTicket) return undefined;
    return Atomics.compareExchange(this.#cells, ticketCell, ticket, noTicket) === ticket ? ticket : undefined;
  }
}

/**
 * The latest rows that a model answered, with what was asked, what was answered, and the true answer where it came: what a model
 * would be trained on anew. Kept as columns in pieces of some hundred rows, the oldest of which go when there are too many rows
 * or bytes, so that the bound holds whatever a request looks like.
 *
 * True answers come late and in any order. One that comes a moment before its sample waits. Two that contradict each other are
 * both left out, since nobody here can know which one is right, and a wrong one would be learnt.
 */
import type { ActualObservation, SampleObservation } from "../../observation.ts";
import type { Decoded, Value } from "../../protocols/protocol.ts";
import type { WindowNow } from "../../retrain-view.ts";
import { bytesPerValue, Column, textBytes } from "./column.ts";

export interface WindowBounds {
  readonly rows: number;
  readonly bytes: number;
}

/** Where a column comes from. `pilotfish`: what is known of the inference itself. */
export type Source = "pilotfish" | "request" | "answer";

/** Of every row. */
export const ownColumns = ["inference_id", "row", "time", "version", "rung", "actual"] as const;

const pieceRows = 256;
/** A piece has at most so much of the rows and of the memory. */
const pieceShare = 1 / 8;
/** How long an actual waits for its sample, and how many may. */
const graceMs = 10_000;
const earlyMax = 1_024;
const earlyValuesMax = 64;
/** No id is that long; the rows of a longer one have none. */
const idMax = 256;
/** Of a map, and what it leads to. */
const entryBytes = 120;

interface Inference {
  readonly piece: Piece;
  readonly first: number;
  readonly rows: number;
  state: "waiting" | "joined" | "contradicted";
}

/** Rows that are kept and let go together. */
export class Piece {
  readonly columns: Readonly<Record<Source, Map<string, Column>>> = { pilotfish: new Map(), request: new Map(), answer: new Map() };
  readonly capacity: number;
  /** Ids of inferences whose rows begin here. */
  readonly ids: string[] = [];
  rows = 0;
  fromWallMs = Infinity;
  toWallMs = -Infinity;
  /** Rows with their true answer. */
  actuals = 0;
  #idBytes = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get width(): number {
    return this.columns.pilotfish.size + this.columns.request.size + this.columns.answer.size;
  }

  /** Cost: linear in its columns. */
  get bytes(): number {
    let bytes = this.#idBytes;
    for (const columns of Object.values(this.columns)) for (const [name, column] of columns) bytes += column.bytes + textBytes(name) + entryBytes;
    return bytes;
  }

  begins(id: string): void {
    this.ids.push(id);
    this.#idBytes += textBytes(id) + entryBytes;
  }

  column(source: Source, name: string): Column {
    const known = this.columns[source].get(name);
    if (known !== undefined) return known;
    const made = new Column(this.capacity);
    this.columns[source].set(name, made);
    return made;
  }

  get(source: Source, name: string, row: number): Value {
    return this.columns[source].get(name)?.get(row) ?? null;
  }

  seal(): void {
    for (const columns of Object.values(this.columns)) for (const column of columns.values()) column.seal();
  }
}

export class TrainingWindow {
  readonly #bounds: WindowBounds;
  readonly #pieces: Piece[] = [];
  readonly #inferences = new Map<string, Inference>();
  readonly #early = new Map<string, { readonly actuals: readonly ActualObservation["values"][]; readonly atMs: number }>();
  #rows = 0;
  #bytes = 0;
  #letGo = 0;
  #contradicted = 0;

  constructor(bounds: WindowBounds) {
    this.#bounds = bounds;
  }

  /** The oldest first. The last one still grows. */
  get pieces(): readonly Piece[] {
    return this.#pieces;
  }

  /** An inference that was answered. Where its request can not be read there is nothing to learn from. Cost: 9 bytes a value. */
  sampled({ inferenceId, version, rung, atWallMs }: Pick<SampleObservation, "inferenceId" | "version" | "rung" | "atWallMs">, request: Decoded, answer: Decoded, nowMs: number): void {
    if (!request.ok || this.#inferences.has(inferenceId)) return;
    const answered = answer.ok && answer.rows === request.rows ? answer : undefined;
    const id = inferenceId.length > idMax ? null : inferenceId;
    const own: Readonly<Record<(typeof ownColumns)[number], Value>> = { inference_id: id, row: null, time: atWallMs, version: version ?? (answer.ok ? answer.version : undefined) ?? null, rung, actual: null };
    const columns = [...request.columns.map((column) => ["request", column] as const), ...(answered?.columns.map((column) => ["answer", column] as const) ?? [])];
    for (let done = 0; done < request.rows; ) {
      const piece = this.#pieceFor(ownColumns.length + columns.length);
      const before = piece.bytes;
      const at = piece.rows;
      const count = Math.min(request.rows - done, piece.capacity - at);
      if (done === 0 && id !== null) {
        piece.begins(id);
        this.#inferences.set(id, { piece, first: at, rows: request.rows, state: "waiting" });
      }
      for (const name of ownColumns) for (let i = 0; i < count; i += 1) piece.column("pilotfish", name).set(at + i, name === "row" ? done + i : own[name]);
      for (const [source, { name, values }] of columns) {
        const column = piece.column(source, name);
        for (let i = 0; i < count; i += 1) column.set(at + i, values[done + i] ?? null);
      }
      piece.rows += count;
      piece.fromWallMs = Math.min(piece.fromWallMs, atWallMs);
      piece.toWallMs = Math.max(piece.toWallMs, atWallMs);
      done += count;
      this.#rows += count;
      this.#bytes += piece.bytes - before;
    }
    this.#bound();
    const early = this.#early.get(inferenceId);
    this.#early.delete(inferenceId);
    for (const values of early?.actuals ?? []) this.actual({ inferenceId, values }, nowMs);
  }

  /** What came true of it. */
  actual({ inferenceId, values }: Pick<ActualObservation, "inferenceId" | "values">, nowMs: number): void {
    for (const [id, { atMs }] of this.#early) {
      if (nowMs - atMs < graceMs && this.#early.size <= earlyMax) break;
      this.#early.delete(id);
    }
    const inference = this.#inferences.get(inferenceId);
    if (inference === undefined) {
      const before = this.#early.get(inferenceId) ?? { actuals: [], atMs: nowMs };
      // Two of them are enough to contradict each other.
      if (inferenceId.length <= idMax && values.length <= earlyValuesMax && before.actuals.length < 2) this.#early.set(inferenceId, { ...before, actuals: [...before.actuals, values] });
      return;
    }
    const places = this.#placesOf(inference);
    if (values.length !== inference.rows || inference.state === "contradicted") return;
    if (inference.state === "waiting") {
      inference.state = "joined";
      this.#write(places, values);
    } else if (places.some(({ piece, row }, i) => piece.get("pilotfish", "actual", row) !== values[i])) {
      inference.state = "contradicted";
      this.#contradicted += 1;
      this.#write(places, places.map(() => null));
    }
  }

  now(): WindowNow {
    const first = this.#pieces[0];
    return {
      rows: this.#rows,
      actuals: this.#pieces.reduce((sum, { actuals }) => sum + actuals, 0),
      bytes: this.#bytes,
      fromWallMs: first && Math.min(...this.#pieces.map(({ fromWallMs }) => fromWallMs)),
      toWallMs: first && Math.max(...this.#pieces.map(({ toWallMs }) => toWallMs)),
      letGo: this.#letGo,
      contradicted: this.#contradicted,
    };
  }

  #write(places: readonly { readonly piece: Piece; readonly row: number }[], values: readonly Value[]): void {
    for (const [i, { piece, row }] of places.entries()) {
      const column = piece.column("pilotfish", "actual");
      const before = column.bytes;
      piece.actuals += Number(values[i] !== null) - Number(column.get(row) !== null);
      column.set(row, values[i] as Value);
      this.#bytes += column.bytes - before;
    }
    this.#bound();
  }

  /** Its rows lie one after the other, perhaps over several pieces. */
  #placesOf({ piece: first, first: from, rows }: Inference): readonly { readonly piece: Piece; readonly row: number }[] {
    const places: { piece: Piece; row: number }[] = [];
    let index = this.#pieces.indexOf(first);
    let row = from;
    while (places.length < rows) {
      const piece = this.#pieces[index] as Piece;
      if (row < piece.rows) places.push({ piece, row: row++ });
      else [index, row] = [index + 1, 0];
    }
    return places;
  }

  /** The piece that takes the next row; a wide row gets a piece of fewer rows. */
  #pieceFor(width: number): Piece {
    const last = this.#pieces.at(-1);
    const most = this.#bounds.bytes * pieceShare;
    if (last !== undefined && last.rows < last.capacity && last.bytes + Math.max(0, width - last.width) * last.capacity * bytesPerValue < most) return last;
    if (last !== undefined) {
      const before = last.bytes;
      last.seal();
      this.#bytes += last.bytes - before;
    }
    const capacity = Math.max(1, Math.min(pieceRows, Math.floor(this.#bounds.rows * pieceShare), Math.floor(most / (2 * width * bytesPerValue))));
    const piece = new Piece(capacity);
    this.#pieces.push(piece);
    return piece;
  }

  #bound(): void {
    while (this.#pieces.length > 0 && (this.#rows > this.#bounds.rows || this.#bytes > this.#bounds.bytes)) this.#letGoOldest();
  }

  /** Rows of an inference that begins in it and goes on in the next one stay there, as they are. */
  #letGoOldest(): void {
    const piece = this.#pieces.shift() as Piece;
    this.#rows -= piece.rows;
    this.#bytes -= piece.bytes;
    this.#letGo += piece.rows;
    for (const id of piece.ids) this.#inferences.delete(id);
  }
}

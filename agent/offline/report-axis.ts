/** The axis of rows and times that a report's pictures share. */
import type { Replay } from "./replay.ts";
import { count } from "./text-table.ts";

/** Where a row lies, 0 to 1 of the width: chunks are equally wide, also where their rows are not equally many. */
export function placeOf({ chunks }: Replay, row: number): number {
  const { index, first, last } = chunks.find((chunk) => row <= chunk.last) ?? (chunks.at(-1) as Replay["chunks"][number]);
  return (index + (row - first + 0.5) / (last - first + 1)) / chunks.length;
}

/** A row or a date at each quarter. */
export function xAxis({ chunks, rows }: Replay): string {
  const marks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const chunk = chunks[Math.min(chunks.length - 1, Math.floor(part * chunks.length))] as Replay["chunks"][number];
    if (chunk.start !== undefined && chunk.end !== undefined) return (part === 1 ? chunk.end : chunk.start).slice(0, 10);
    return part === 0 ? "row 0" : count(part === 1 ? rows - 1 : chunk.first);
  });
  return `<div class="x">${marks.map((mark) => `<span>${mark}</span>`).join("")}</div>`;
}

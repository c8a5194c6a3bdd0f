/**
 * A whole terminal, drawn over without flicker: each line in its place and cleared to its end, all of it in one write that a
 * terminal which knows synchronised output shows at once. What stood there before is back when it is left.
 */
import type { World } from "../world.ts";

const escape = "\u001b[";
const enter = `${escape}?1049h${escape}?25l`;
const leave = `${escape}?25h${escape}?1049l`;
const begin = `${escape}?2026h${escape}H`;
const end = `${escape}J${escape}?2026l`;

export interface Terminal {
  draw(lines: readonly string[]): void;
  leave(): void;
}

export function openTerminal({ out }: Pick<World, "out">): Terminal {
  out(enter);
  let drawn = "";
  return {
    draw(lines) {
      // No line end behind the last: it would scroll a full screen.
      const text = lines.map((line) => `${line}${escape}K`).join("\r\n");
      if (text === drawn) return;
      drawn = text;
      out(`${begin}${text}${end}`);
    },
    leave: () => out(leave),
  };
}

/** A table for a terminal: columns aligned, no line longer than the terminal is wide. */

export interface TextColumn {
  readonly title: string;
  /** Numbers stand on the right. */
  readonly align: "left" | "right";
}

export function textTable(columns: readonly TextColumn[], rows: readonly (readonly string[])[], width: number): string {
  const widths = columns.map(({ title }, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const wide = widths[column] as number;
        return columns[column]?.align === "right" ? cell.padStart(wide) : cell.padEnd(wide);
      })
      .join("  ")
      .trimEnd();
  return [columns.map(({ title }) => title), widths.map((wide) => "-".repeat(wide)), ...rows].map((cells) => cut(line(cells), width)).join("\n");
}

export function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
}

/** Broken at spaces, where there are some; what follows the first line is indented. */
export function wrapped(text: string, width: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line.trim() !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `  ${word}`;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].map((one) => cut(one, width)).join("\n");
}

/** `12,345` */
export function count(value: number): string {
  return value.toLocaleString("en");
}

/** At most four digits. */
export function short(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

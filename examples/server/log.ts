/** One line an event on standard output: JSON for machines, or `time message key=value` for people. */

export type Fields = Readonly<Record<string, unknown>>;
export type Log = (msg: string, fields?: Fields) => void;

export function makeLog(format: "json" | "text", write: (line: string) => void): Log {
  return (msg, fields = {}) => {
    const time = new Date().toISOString();
    if (format === "json") return write(`${JSON.stringify({ msg, ...fields, time })}\n`);
    const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
    write(`${time.slice(11, 23)} ${msg}${pairs.join("")}\n`);
  };
}

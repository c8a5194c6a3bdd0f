/**
 * Server-sent events: lines of `field: value`, an event ending with an empty line. Only the data matter here. Source: WHATWG
 * HTML, section 9.2.
 */

/** Does a body begin as a stream of events, rather than as JSON? */
export function beginsAsEvents(body: string): boolean {
  return /^\uFEFF?\s*(?:data|event|id|retry)?:/.test(body.slice(0, 64));
}

/** The data of each whole event; one that breaks off is passed over. Linear in the text. */
export function eventData(body: string): readonly string[] {
  const events: string[] = [];
  let data: string[] = [];
  const lines = body.split(/\r\n|\n|\r/);
  for (const [index, line] of lines.entries()) {
    if (line === "") {
      // The last of the lines is what stands behind the last line break: nothing, where the event is whole.
      if (data.length > 0 && index < lines.length - 1) events.push(data.join("\n"));
      data = [];
    } else if (line.startsWith("data:")) {
      data.push(line.slice(line[5] === " " ? 6 : 5));
    }
  }
  return events;
}

/** An event with this data, which has no line breaks. */
export function event(data: string): string {
  return `data: ${data}\n\n`;
}

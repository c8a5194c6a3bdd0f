/**
 * A CloudEvent 1.0 over HTTP: all in the body (`structured`), or the attributes as headers (`binary`).
 * Source: github.com/cloudevents/spec, cloudevents/bindings/http-protocol-binding.md, sections 3.1 and 3.2.
 */

export interface BoundEvent {
  readonly headers: Readonly<Record<string, string>>;
  /** To be sent as JSON. */
  readonly body: unknown;
}

export function boundEvent(mode: "structured" | "binary", attributes: Readonly<Record<string, string>>, data: unknown): BoundEvent {
  if (mode === "structured") return { headers: { "content-type": "application/cloudevents+json; charset=utf-8" }, body: { ...attributes, datacontenttype: "application/json", data } };
  const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, headerValue(value)]));
  return { headers: { ...headers, "content-type": "application/json" }, body: data };
}

/** Space, `"`, `%` and all that is not visible ASCII goes percent-encoded, as UTF-8: section 3.1.3.2. */
function headerValue(value: string): string {
  return value.toWellFormed().replaceAll(/[^\x21\x23\x24\x26-\x7e]/gu, encodeURIComponent);
}

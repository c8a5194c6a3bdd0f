/**
 * What a handler gives back: a status, headers and a body, made before anything is written. A refusal is an answer like
 * any other and has the protocol's shape, `{"error": string}`.
 */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function json(value: unknown, status: number = 200): Answer {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

export function refuse(status: number, error: string, headers: Readonly<Record<string, string>> = {}): Answer {
  const answer = json({ error }, status);
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

/** 503 for a while: whoever asked may come back after `seconds`. */
export function busy(error: string, seconds: number = 1): Answer {
  return refuse(503, error, { "retry-after": String(seconds) });
}

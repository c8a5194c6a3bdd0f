/**
 * Asks the API of the sidecar that served this page. Where it wants a token, the one that the person gave is sent with each request;
 * it lives as long as the tab does. Signals are read as server-sent events over fetch, since an EventSource can carry no token.
 */

const key = "pilotfish-token";

/** What the API answered other than what was wanted; status 0: it did not. */
export class Refusal extends Error {
  /** @param {number} status @param {string} detail @param {string[]} [mistakes] each on its own, where there are some */
  constructor(status, detail, mistakes = []) {
    super(mistakes.length > 0 ? mistakes.join("; ") : detail);
    this.status = status;
    this.detail = detail;
    this.mistakes = mistakes;
  }
}

/** @param {string} token */
export function keepToken(token) {
  sessionStorage.setItem(key, token);
}

export function hasToken() {
  return sessionStorage.getItem(key) !== null;
}

export function forgetToken() {
  sessionStorage.removeItem(key);
}

/** @returns {Record<string, string>} */
function authorization() {
  const token = sessionStorage.getItem(key);
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

/**
 * The answer's JSON. Throws a Refusal.
 * @param {string} path
 * @param {{ method?: string, body?: unknown, timeoutMs?: number }} [options]
 * @returns {Promise<any>}
 */
export async function ask(path, { method = "GET", body, timeoutMs = 4_000 } = {}) {
  const headers = { ...authorization(), ...(body !== undefined && { "content-type": "application/json" }) };
  let response;
  try {
    const asked = { method, headers, signal: AbortSignal.timeout(timeoutMs), credentials: /** @type {const} */ ("omit"), ...(body !== undefined && { body: JSON.stringify(body) }) };
    response = await fetch(path, asked);
  } catch {
    throw new Refusal(0, "Pilotfish did not answer");
  }
  const said = await response.json().catch(() => undefined);
  if (response.ok) return said;
  const mistakes = (said?.errors ?? []).map((/** @type {{ detail: string }} */ { detail }) => detail);
  throw new Refusal(response.status, said?.detail ?? `status ${response.status}`, mistakes);
}

/**
 * Reads the signals until they end; `heard` with the kind of each frame. False where they can not be had as a stream.
 * @param {(kind: string) => void} heard
 * @param {AbortSignal} signal
 */
export async function follow(heard, signal) {
  const response = await fetch("/v1/signals", { headers: { ...authorization(), accept: "text/event-stream, application/json;q=0.1" }, signal, credentials: "omit" });
  if (response.headers.get("content-type")?.startsWith("text/event-stream") !== true || response.body === null) {
    await response.body?.cancel();
    return false;
  }
  let rest = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return true;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("event: ")) heard(line.slice(7).trim());
  }
}

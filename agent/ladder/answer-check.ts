/**
 * Is what another server sent with the status 200 an answer in the protocol at all? A proxy's error page, a half-started
 * server's empty body and `{"error": ...}` must not reach a client as a prediction. Checked as far as the protocol says what an
 * answer is: tensors where it knows nothing else, a member of a known name where its values are free, JSON, or no more than
 * that there is something. Never for what could be right.
 *
 * Bounded: a longer body is judged by its first character, and one that is encoded not at all, for to unpack it costs more
 * than the check is worth on the thread that serves clients.
 */
import type { Protocol, Unreadable } from "../protocols/protocol.ts";

/** About 2 ms of parsing. */
const decodedMax = 262_144;

interface Form {
  readonly json: boolean;
  /** One of these members must be there; undefined: nothing is known of members. */
  readonly members?: readonly string[];
  /** Reasons for which it is no answer, whatever members there are. */
  readonly never?: Readonly<Partial<Record<Unreadable, string>>>;
}

const forms: Readonly<Record<string, Form>> = {
  "open-inference": { json: true, members: ["outputs"], never: { shape: "tensors whose values and shapes do not fit" } },
  kserve: { json: true, members: ["predictions"] },
  "tf-serving": { json: true, members: ["predictions", "outputs", "results", "result"] },
  openai: { json: true, members: ["choices", "data"] },
  plain: { json: true },
  // A handler of one's own may answer anything.
  torchserve: { json: false },
};

/** Why it is no answer, in a few words; undefined where nothing speaks against it. */
export function noAnswer(body: Buffer, headers: Readonly<Record<string, string>>, protocol: Protocol): string | undefined {
  const form = forms[protocol.name] ?? { json: false };
  if (body.length === 0) return "an empty body";
  if ((headers["content-encoding"] ?? "identity") !== "identity" || !form.json) return undefined;
  if (body.length > decodedMax) return beginsAsJson(body) || isEvents(headers) ? undefined : "no JSON";
  const decoded = protocol.decodeResponse(body);
  if (decoded.ok) return undefined;
  const { reason } = decoded;
  if (reason === "not-json") return "no JSON";
  const never = form.never?.[reason];
  if (never !== undefined) return never;
  if (isEvents(headers) || form.members === undefined || form.members.some((member) => body.includes(`"${member}"`))) return undefined;
  return `it has no ${form.members.join(", ")}`;
}

function isEvents(headers: Readonly<Record<string, string>>): boolean {
  return headers["content-type"]?.startsWith("text/event-stream") === true;
}

/** After white space, a bracket. */
function beginsAsJson(body: Buffer): boolean {
  return /^\s*[[{]/.test(body.toString("latin1", 0, 256));
}

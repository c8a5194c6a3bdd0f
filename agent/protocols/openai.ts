/**
 * The OpenAI-compatible protocol of vLLM, SGLang, TGI, llama.cpp's server and others: chat completions, completions and
 * embeddings; the model is named in the body, and an answer may be a stream of events that `[DONE]` ends.
 *
 * Text has no columns to watch, so a request and its answer are one row of what can be counted: characters, messages, tokens,
 * settings. In a stream whose usage is not told, a token is counted for each event that brings text; servers send one a token,
 * but may put several together. KServe has all this under `/openai`. Source: platform.openai.com/docs/api-reference; vLLM's
 * entrypoints/openai.
 */
import { isRecord, parseJson, parseText, property, textAt, textOf, unpack } from "./json.ts";
import { topLevelText } from "./json-scan.ts";
import { jsonBody, mustBeFinite } from "./format.ts";
import { nested } from "./nested.ts";
import { withoutQuery } from "./path.ts";
import type { Column, Decoded, FormattedBody, InferenceAnswer, ModelDescription, ParsedRequest, Protocol, Tensor, Tensors, Value } from "./protocol.ts";
import { tensorsInRows } from "./rows.ts";
import { beginsAsEvents, event, eventData } from "./server-sent-events.ts";

const inferPath = /^(?:\/openai)?\/v1\/(?:chat\/completions|completions|embeddings)$/;

/** Servers write the model before the answer's text; it is not looked for beyond. */
const headBytes = 512;

type Kind = "chat" | "completion" | "embedding";

interface Form {
  readonly kind: Kind;
  /** As the request names it. */
  readonly model: string | undefined;
  /** A stream is to tell its usage at the end. */
  readonly usage: boolean;
  /** Embeddings are wanted as bytes of FP32 in base64. */
  readonly base64: boolean;
}

export const openai: Protocol = {
  name: "openai",

  paths: {
    live: "/health",
    ready: "/health",
    model: () => "/v1/models",
    models: [{ method: "GET", path: "/v1/models" }],
    infer: () => "/v1/chat/completions",
  },

  inferenceOf: (method, path) => (method === "POST" && inferPath.test(withoutQuery(path)) ? { model: "", version: undefined } : undefined),

  modelIn: (body) => topLevelText(Buffer.from(body.buffer, body.byteOffset, body.byteLength), "model", { bytesMax: 250_000, maxBytes: 512 }),

  decodeRequest(body): Decoded {
    const json = parseJson(body);
    if (!json.ok) return json;
    const question = questionIn(json.value);
    return question === undefined ? { ok: false, reason: "no-tensors" } : oneRow(descriptors(json.value, question));
  },

  decodeResponse(packed): Decoded {
    if (packed.length === 0) return { ok: false, reason: "empty" };
    const body = unpack(packed);
    if (body === undefined) return { ok: false, reason: "not-json" };
    const text = textOf(body);
    if (beginsAsEvents(text)) return streamed(eventData(text));
    const json = parseText(text);
    return json.ok ? whole(json.value) : json;
  },

  /** The text of each choice as `choices`, why each ended as `finish_reason`; or all numbers of embeddings as `embeddings`. */
  parseAnswer(packed): Tensors {
    if (packed.length === 0) return { ok: false, reason: "empty" };
    const body = unpack(packed);
    if (body === undefined) return { ok: false, reason: "not-json" };
    const text = textOf(body);
    if (beginsAsEvents(text)) return choicesIn(chunksIn(eventData(text)));
    const json = parseText(text);
    if (!json.ok) return json;
    const data = property(json.value, "data");
    return Array.isArray(data) ? tensorsInRows(data.map((entry: unknown) => numbersOf(property(entry, "embedding"))), "embeddings") : choicesIn([json.value]);
  },

  versionIn(head) {
    const [before = ""] = head.toString("latin1", 0, headBytes).split(/"(?:choices|data)"/, 1);
    return /"model"\s*:\s*"([\x21\x23-\x5b\x5d-\x7e]{1,128})"/.exec(before)?.[1];
  },

  describe(json, name): ModelDescription | undefined {
    const list = property(json, "data");
    const models = (Array.isArray(list) ? (list as unknown[]) : [json]).flatMap((entry) => textAt(entry, "id") ?? []);
    const model = name === undefined ? models[0] : models.find((id) => id === name);
    return model === undefined ? undefined : { name: model, versions: [], inputs: [], outputs: [] };
  },

  parseRequest(body): ParsedRequest {
    const json = parseJson(body);
    if (!json.ok) return json;
    const question = questionIn(json.value);
    // Text that comes as tokens can only be read by the model that they were made for.
    if (question?.texts === undefined) return { ok: false, reason: "no-tensors" };
    if (question.texts.length === 0) return { ok: false, reason: "empty" };
    const { kind, texts } = question;
    const rows = texts.length;
    const numbers = descriptors(json.value, question).filter(([, value]) => value !== null);
    const form: Form = {
      kind,
      model: textAt(json.value, "model"),
      usage: property(property(json.value, "stream_options"), "include_usage") === true,
      base64: property(json.value, "encoding_format") === "base64",
    };
    return {
      ok: true,
      id: undefined,
      inputs: [
        { name: textName(kind), datatype: "BYTES", shape: [rows], values: texts },
        // They are of the request as a whole.
        ...(rows === 1 ? numbers.map(([name, value]): Tensor => ({ name, datatype: "FP64", shape: [1], values: [value] })) : []),
      ],
      outputs: undefined,
      stream: kind !== "embedding" && property(json.value, "stream") === true,
      form,
    };
  },

  /** Of a text `input` a question for embeddings, of any other a chat; numbers named as settings are sent as such. */
  formatRequest(inputs) {
    const text = inputs.find(({ name, values }) => name === "input" || values.some((value) => typeof value === "string"));
    const texts = (text?.values ?? []).map(String);
    if (text?.name === "input") return JSON.stringify({ input: texts });
    const given = inputs.filter(({ name }) => name in settings).map(({ name, values }) => [name, values[0]]);
    return JSON.stringify({ messages: texts.map((content) => ({ role: "user", content })), ...Object.fromEntries(given) });
  },

  /**
   * The output that holds text is the answer, a choice for each row; of outputs without text the first one's numbers. Outputs
   * named `finish_reason`, `prompt_tokens` and `completion_tokens` stand where the protocol has them.
   */
  formatAnswer(given, asked): FormattedBody {
    mustBeFinite(given.outputs);
    const form = asked?.ok === true ? (asked.form as Form | undefined) : undefined;
    const answer = given.model === "" ? { ...given, model: form?.model ?? "" } : given;
    const kind = form?.kind ?? "chat";
    if (kind === "embedding") return jsonBody(embeddings(answer, form?.base64 ?? false));
    return asked?.ok === true && asked.stream ? eventStream(answer, kind, form?.usage ?? false) : jsonBody(completion(answer, kind));
  },

  formatError: (message, status) => JSON.stringify(errorWith(message, status)),

  // The empty line first: it ends the event in whose middle the stream may have broken. No `[DONE]`, since it is not.
  streamError: (message) => Buffer.from(`\n\n${event(JSON.stringify(errorWith(message, 502)))}`),
};

// ---- requests ----

interface Question {
  readonly kind: Kind;
  /** How many messages, prompts or inputs. */
  readonly count: number;
  /** What a model is to read, one for each row of the answer; undefined where it comes as tokens. */
  readonly texts: readonly string[] | undefined;
}

/** The settings whose numbers are watched; each is null where the request does not say it. */
const settings = { max_tokens: "max_completion_tokens", temperature: undefined, top_p: undefined, n: undefined } as const satisfies Record<string, string | undefined>;

function questionIn(json: unknown): Question | undefined {
  const messages = property(json, "messages");
  if (Array.isArray(messages)) return { kind: "chat", count: messages.length, texts: [messages.map(textOfMessage).join("\n")] };
  const prompt = property(json, "prompt");
  if (prompt !== undefined) return { kind: "completion", ...textsOf(prompt) };
  const input = property(json, "input");
  return input === undefined ? undefined : { kind: "embedding", ...textsOf(input) };
}

/** The content of a message: text, or parts of which some are text. */
function textOfMessage(message: unknown): string {
  const content = property(message, "content");
  if (typeof content === "string") return content;
  return Array.isArray(content) ? content.flatMap((part: unknown) => textAt(part, "text") ?? []).join("\n") : "";
}

/** A text, a list of texts, a list of tokens, or a list of such lists. */
function textsOf(prompt: unknown): Omit<Question, "kind"> {
  if (typeof prompt === "string") return { count: 1, texts: [prompt] };
  if (!Array.isArray(prompt)) return { count: 0, texts: undefined };
  if (prompt.every((text) => typeof text === "string")) return { count: prompt.length, texts: prompt };
  return { count: Array.isArray(prompt[0]) ? prompt.length : 1, texts: undefined };
}

function textName(kind: Kind): string {
  return kind === "embedding" ? "input" : "prompt";
}

const countNames: Readonly<Record<Kind, string>> = { chat: "messages", completion: "prompts", embedding: "inputs" };

type Descriptor = readonly [name: string, value: number | string | null];

function descriptors(json: unknown, { kind, count, texts }: Question): readonly Descriptor[] {
  const characters = texts === undefined ? null : texts.reduce((sum, text) => sum + text.length, 0);
  const common: readonly Descriptor[] = [
    ["prompt_characters", characters],
    [countNames[kind], count],
  ];
  if (kind === "embedding") return [...common, ["dimensions", numberAt(json, "dimensions")]];
  return [...common, ...Object.entries(settings).map(([name, alias]): Descriptor => [name, numberAt(json, name) ?? (alias === undefined ? null : numberAt(json, alias))])];
}

function numberAt(json: unknown, key: string): number | null {
  const value = property(json, key);
  return typeof value === "number" ? value : null;
}

function oneRow(descriptions: readonly Descriptor[], version?: string): Decoded {
  const columns = descriptions.map(([name, value]): Column => ({ name, values: [value] }));
  return version === undefined ? { ok: true, rows: 1, columns } : { ok: true, rows: 1, columns, version };
}

// ---- answers that are read ----

function whole(json: unknown): Decoded {
  const version = textAt(json, "model");
  const usage = property(json, "usage");
  const choices = property(json, "choices");
  if (Array.isArray(choices)) {
    const texts = choices.map((choice: unknown) => textAt(choice, "text") ?? textOfMessage(property(choice, "message")));
    return oneRow(
      [
        ["characters", texts.reduce((sum, text) => sum + text.length, 0)],
        ["choices", choices.length],
        ["finish_reason", textAt(choices[0], "finish_reason") ?? null],
        ["completion_tokens", numberAt(usage, "completion_tokens")],
        ["prompt_tokens", numberAt(usage, "prompt_tokens")],
      ],
      version,
    );
  }
  const data = property(json, "data");
  if (!Array.isArray(data) || property(data[0], "embedding") === undefined) return { ok: false, reason: "no-tensors" };
  return oneRow([["embeddings", data.length], ["dimensions", dimensionsOf(property(data[0], "embedding"))], ["prompt_tokens", numberAt(usage, "prompt_tokens")]], version);
}

/** Of numbers, or of bytes of FP32 in base64. */
function dimensionsOf(embedding: unknown): number | null {
  if (Array.isArray(embedding)) return embedding.length;
  return typeof embedding === "string" ? Math.floor(Buffer.byteLength(embedding, "base64") / 4) : null;
}

/** Of an answer in one piece, or of the pieces of one that streamed: the texts of a choice one after the other. */
function choicesIn(pieces: readonly unknown[]): Tensors {
  const texts: string[] = [];
  const reasons: (string | null)[] = [];
  for (const piece of pieces) {
    const list = property(piece, "choices");
    for (const choice of Array.isArray(list) ? (list as unknown[]) : []) {
      const index = numberAt(choice, "index") ?? 0;
      if (!Number.isSafeInteger(index) || index < 0 || index >= choicesMax) return { ok: false, reason: "shape" };
      while (texts.length <= index) texts.push("");
      while (reasons.length <= index) reasons.push(null);
      texts[index] += textAt(choice, "text") ?? textOfMessage(property(choice, "message") ?? property(choice, "delta"));
      reasons[index] = textAt(choice, "finish_reason") ?? reasons[index] ?? null;
    }
  }
  if (texts.length === 0) return { ok: false, reason: "no-tensors" };
  const shape = [texts.length];
  return { ok: true, tensors: [{ name: "choices", datatype: "BYTES", shape, values: texts }, { name: "finish_reason", datatype: "BYTES", shape, values: reasons }] };
}

const choicesMax = 1_024;

/** Numbers as they are, or as bytes of FP32 in base64. */
function numbersOf(embedding: unknown): unknown {
  if (typeof embedding !== "string") return embedding;
  const bytes = Buffer.from(embedding, "base64");
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => bytes.readFloatLE(4 * index));
}

function chunksIn(events: readonly string[]): readonly unknown[] {
  return events.flatMap((data) => {
    const json = data.startsWith("{") ? parseText(data) : undefined;
    return json?.ok === true ? [json.value] : [];
  });
}

/** `finish_reason` is `error` where the stream says that it failed, and null where it broke off. */
function streamed(events: readonly string[]): Decoded {
  let characters = 0;
  let choices = 0;
  let withText = 0;
  let chunks = 0;
  let finish: string | null = null;
  let version: string | undefined;
  let usage: unknown;
  for (const chunk of chunksIn(events)) {
    chunks += 1;
    version ??= textAt(chunk, "model");
    if (isRecord(property(chunk, "usage"))) usage = property(chunk, "usage");
    if (property(chunk, "error") !== undefined) finish = "error";
    const list = property(chunk, "choices");
    for (const choice of Array.isArray(list) ? (list as unknown[]) : []) {
      const text = textAt(choice, "text") ?? textAt(property(choice, "delta"), "content") ?? "";
      characters += text.length;
      if (text !== "") withText += 1;
      choices = Math.max(choices, 1 + (numberAt(choice, "index") ?? 0));
      finish ??= textAt(choice, "finish_reason") ?? null;
    }
  }
  if (chunks === 0) return { ok: false, reason: "no-tensors" };
  return oneRow(
    [
      ["characters", characters],
      ["choices", choices],
      ["finish_reason", finish],
      ["completion_tokens", numberAt(usage, "completion_tokens") ?? withText],
      ["prompt_tokens", numberAt(usage, "prompt_tokens")],
    ],
    version,
  );
}

// ---- answers that are written ----

interface Choices {
  readonly texts: readonly string[];
  readonly finish: string;
  readonly usage: unknown;
}

const named = new Set(["finish_reason", "prompt_tokens", "completion_tokens"]);

function choicesOf({ outputs }: InferenceAnswer): Choices {
  const value = (name: string): Value | undefined => outputs.find((output) => output.name === name)?.values[0];
  const candidates = outputs.filter(({ name }) => !named.has(name));
  const text = candidates.find(({ values }) => values.some((one) => typeof one === "string")) ?? candidates[0];
  return {
    texts: text === undefined ? [""] : text.values.map((one) => (one === null ? "" : String(one))),
    finish: String(value("finish_reason") ?? "stop"),
    usage: usageOf(value("prompt_tokens"), value("completion_tokens")),
  };
}

/** A rung that is no language model spends no tokens. */
function usageOf(prompt: Value | undefined, completed: Value | undefined = 0): unknown {
  const promptTokens = Number(prompt ?? 0);
  const completionTokens = Number(completed ?? 0);
  return { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: promptTokens + completionTokens };
}

function headOf({ model, id, atWallMs = 0 }: InferenceAnswer, kind: Kind, isChunk: boolean): Readonly<Record<string, unknown>> {
  const isChat = kind === "chat";
  const object = isChat ? `chat.completion${isChunk ? ".chunk" : ""}` : "text_completion";
  return { id: `${isChat ? "chatcmpl" : "cmpl"}-${id ?? "pilotfish"}`, object, created: Math.floor(atWallMs / 1_000), model };
}

function completion(answer: InferenceAnswer, kind: Kind): unknown {
  const { texts, finish, usage } = choicesOf(answer);
  const choices = texts.map((text, index) => ({
    index,
    ...(kind === "chat" ? { message: { role: "assistant", content: text } } : { text }),
    logprobs: null,
    finish_reason: finish,
  }));
  return { ...headOf(answer, kind, false), choices, usage };
}

/** For each choice one event with all its text and one that says why it ends there. */
function eventStream(answer: InferenceAnswer, kind: Kind, tellsUsage: boolean): FormattedBody {
  const { texts, finish, usage } = choicesOf(answer);
  const head = headOf(answer, kind, true);
  const chunk = (choices: readonly unknown[], rest: object = {}): string => event(JSON.stringify({ ...head, choices, ...rest }));
  const events = texts.flatMap((text, index) => [
    chunk([{ index, ...(kind === "chat" ? { delta: { role: "assistant", content: text } } : { text }), logprobs: null, finish_reason: null }]),
    chunk([{ index, ...(kind === "chat" ? { delta: {} } : { text: "" }), logprobs: null, finish_reason: finish }]),
  ]);
  const end = [...(tellsUsage ? [chunk([], { usage })] : []), event("[DONE]")];
  return {
    headers: { "content-type": "text/event-stream", "cache-control": "no-cache" },
    body: Buffer.from([...events, ...end].join("")),
  };
}

function embeddings({ model, outputs }: InferenceAnswer, inBase64: boolean): unknown {
  const output = outputs.find(({ name }) => !named.has(name));
  const { shape, values } = output ?? { shape: [0], values: [] };
  const rows = shape.length > 1 ? (shape[0] ?? 1) : 1;
  const width = rows === 0 ? 0 : values.length / rows;
  const data = Array.from({ length: rows }, (_, index) => {
    const row = values.slice(index * width, (index + 1) * width);
    return { object: "embedding", index, embedding: inBase64 ? base64Of(row) : nested({ shape: [width], values: row }) };
  });
  return { object: "list", data, model, usage: { prompt_tokens: 0, total_tokens: 0 } };
}

function base64Of(values: readonly Value[]): string {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeFloatLE(Number(value), 4 * index));
  return bytes.toString("base64");
}

function errorWith(message: string, status: number): unknown {
  return { error: { message, type: errorTypes[status] ?? (status < 500 ? "invalid_request_error" : "server_error"), param: null, code: null } };
}

const errorTypes: Readonly<Record<number, string>> = { 401: "authentication_error", 403: "permission_error", 429: "rate_limit_error" };

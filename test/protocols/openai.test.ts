/** The OpenAI-compatible protocol, on recorded exchanges with OpenAI's API and on KServe's requests. */
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { openai } from "../../agent/protocols/openai.ts";
import type { Tensor } from "../../agent/protocols/protocol.ts";
import { columnsOf, fixture, json } from "./bodies.ts";

const { decodeRequest, decodeResponse, parseRequest, formatAnswer, formatRequest, inferenceOf, versionIn } = openai;
const modelIn = (body: Buffer | string): string | undefined => openai.modelIn?.(Buffer.from(body as string));
const words = (...values: readonly string[]): Tensor => ({ name: "content", datatype: "BYTES", shape: [values.length], values });
const answerTo = (asked: Buffer, ...outputs: readonly Tensor[]) => formatAnswer({ model: "m", version: undefined, id: "7", outputs, atWallMs: 1_700_000_000_500 }, parseRequest(asked));

test("which requests are inferences; the body names the model", () => {
  for (const path of ["/v1/chat/completions", "/v1/completions?x=1", "/v1/embeddings", "/openai/v1/chat/completions"]) expect(inferenceOf("POST", path), path).toEqual({ model: "", version: undefined });
  for (const [method, path] of [["GET", "/v1/chat/completions"], ["GET", "/v1/models"], ["POST", "/v1/audio/speech"], ["POST", "/v1/files"]] as const) expect(inferenceOf(method, path), path).toBeUndefined();
});

test("the model is found wherever it stands in the outermost object, and nowhere else", () => {
  expect(modelIn(fixture("openai_chat-basic.request"))).toBe("gpt-5-nano");
  expect(modelIn(fixture("kserve_qwen_input_chat"))).toBe("qwen-chat");
  expect(modelIn('{"messages":[{"model":"inner","content":"\\"model\\":\\"text\\""}],"metadata":{"model":"deep"},"model" :\n "outer"}')).toBe("outer");
  expect(modelIn('{"model":"cut","messages":[{"content":"and th')).toBe("cut");
  expect(modelIn('{"model":"\\u0061\\"b"}')).toBe('a"b');
  for (const none of ["", "{}", '{"model":7,"x":"model"}', '{"x":"model","y":"z"}', '{"model":{"model":"a"}}', '[{"model":"a"}]', '{"model":""}', '{"model":"cut', "\u0000\u0001", `{"model":"${"x".repeat(600)}"}`]) {
    expect(modelIn(none), none.slice(0, 40)).toBeUndefined();
  }
});

test("the scan for the model passes over a large image and gives up on a large heap of anything else", () => {
  const image = "A".repeat(8_000_000);
  expect(modelIn(`{"messages":[{"content":[{"image_url":{"url":"data:image/png;base64,${image}"}}]}],"model":"vision"}`)).toBe("vision");
  for (const heap of ["[".repeat(4_000_000), '{"a":"'.concat('\\"'.repeat(4_000_000)), `{"a":[${"1,".repeat(2_000_000)}`, `{"a":[${'"b",'.repeat(2_000_000)}`]) {
    const body = Buffer.from(heap);
    const start = performance.now();
    expect(openai.modelIn?.(body)).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(1_000);
  }
});

test("a request is one row of what can be counted", () => {
  expect(columnsOf(decodeRequest(fixture("kserve_qwen_input_chat")))).toEqual({ prompt_characters: [47], messages: [2], max_tokens: [20], temperature: [0], top_p: [null], n: [null] });
  expect(columnsOf(decodeRequest(fixture("openai_chat-streaming-detailed-usage.request")))).toMatchObject({ max_tokens: [100], temperature: [1] });
  expect(columnsOf(decodeRequest(fixture("openai_chat-image-to-text.request")))).toMatchObject({ prompt_characters: [46], messages: [1] });
  expect(columnsOf(decodeRequest(fixture("openai_completion-text-batch.request")))).toMatchObject({ prompts: [2], n: [2], max_tokens: [25], top_p: [0.9] });
  expect(columnsOf(decodeRequest(fixture("openai_completion-token.request")))).toMatchObject({ prompts: [1], prompt_characters: [null] });
  expect(columnsOf(decodeRequest(fixture("openai_embeddings-dimensions.request")))).toEqual({ prompt_characters: [44], inputs: [1], dimensions: [256] });
  expect(decodeRequest(json({ model: "m" }))).toEqual({ ok: false, reason: "no-tensors" });
});

test("an answer is one row as well, and says which model gave it", () => {
  expect(decodeResponse(fixture("openai_chat-basic.response"))).toMatchObject({ ok: true, rows: 1, version: "gpt-5-nano-2025-08-07" });
  expect(columnsOf(decodeResponse(fixture("openai_chat-basic.response")))).toEqual({ characters: [206], choices: [1], finish_reason: ["stop"], completion_tokens: [377], prompt_tokens: [8] });
  expect(columnsOf(decodeResponse(fixture("openai_chat-tools.response")))).toMatchObject({ characters: [0], finish_reason: ["tool_calls"], completion_tokens: [287] });
  expect(columnsOf(decodeResponse(fixture("openai_completion-text-batch.response")))).toMatchObject({ choices: [4], completion_tokens: [58] });
  expect(columnsOf(decodeResponse(fixture("openai_embeddings-dimensions.response")))).toEqual({ embeddings: [1], dimensions: [256], prompt_tokens: [5] });
  expect(decodeResponse(fixture("openai_chat-unknown-model.response"))).toEqual({ ok: false, reason: "no-tensors" });
});

test("a streamed answer is read from its events: text, tokens, how it ended", () => {
  const chat = fixture("openai_chat-streaming.response.txt");
  const text = [...chat.toString().matchAll(/"content":"((?:\\.|[^"\\])*)"/g)].map(([, part]) => JSON.parse(`"${part}"`) as string);
  expect(columnsOf(decodeResponse(chat))).toEqual({ characters: [text.join("").length], choices: [1], finish_reason: ["stop"], completion_tokens: [text.filter((part) => part !== "").length], prompt_tokens: [null] });
  expect(decodeResponse(gzipSync(chat))).toEqual(decodeResponse(chat));
  expect(columnsOf(decodeResponse(fixture("openai_chat-streaming-detailed-usage.response.txt")))).toMatchObject({ characters: [0], finish_reason: ["length"], completion_tokens: [100], prompt_tokens: [12] });
  expect(columnsOf(decodeResponse(fixture("openai_completion-streaming.response.txt")))).toMatchObject({ finish_reason: ["length"], completion_tokens: [25] });
  // Broken off, in the middle of an event.
  expect(columnsOf(decodeResponse(chat.subarray(0, 2_000)))).toMatchObject({ finish_reason: [null] });
  expect(columnsOf(decodeResponse(Buffer.concat([chat.subarray(0, 2_000), openai.streamError("the server went away") as Buffer])))).toMatchObject({ finish_reason: ["error"] });
  expect(decodeResponse(Buffer.from("data: [DONE]\n\n"))).toEqual({ ok: false, reason: "no-tensors" });
});

test("the version is told from an answer's first bytes, streamed or not, and never from its text", () => {
  expect(versionIn(fixture("openai_chat-streaming.response.txt"))).toBe("gpt-5-nano-2025-08-07");
  expect(versionIn(json({ id: "x", model: "m-1", choices: [] }))).toBe("m-1");
  expect(versionIn(json({ choices: [{ text: "x" }], model: "m-1" }))).toBeUndefined();
});

test("a rung answers a chat, a completion and a stream in the client's own form", () => {
  const usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
  const chat = answerTo(fixture("kserve_qwen_input_chat"), words("4"));
  expect(JSON.parse(chat.body.toString())).toEqual({
    id: "chatcmpl-7",
    object: "chat.completion",
    created: 1_700_000_000,
    model: "m",
    choices: [{ index: 0, message: { role: "assistant", content: "4" }, logprobs: null, finish_reason: "stop" }],
    usage,
  });
  const unnamed = formatAnswer({ model: "", version: undefined, id: undefined, outputs: [words("4")] }, parseRequest(fixture("kserve_qwen_input_chat")));
  expect(JSON.parse(unnamed.body.toString())).toMatchObject({ model: "qwen-chat" });
  const batch = answerTo(fixture("openai_completion-text-batch.request"), words("a", "b"), { name: "finish_reason", datatype: "BYTES", shape: [1], values: ["length"] });
  expect(JSON.parse(batch.body.toString())).toMatchObject({ object: "text_completion", choices: [{ index: 0, text: "a", finish_reason: "length" }, { index: 1, text: "b" }] });

  const stream = answerTo(fixture("openai_chat-streaming-detailed-usage.request"), words("sorry"));
  expect(stream.headers["content-type"]).toBe("text/event-stream");
  const events = stream.body.toString().split("\n\n");
  expect(events.slice(-2)).toEqual(["data: [DONE]", ""]);
  expect(events.slice(0, -2).map((one) => JSON.parse(one.slice(6)) as unknown)).toMatchObject([
    { object: "chat.completion.chunk", choices: [{ delta: { role: "assistant", content: "sorry" }, finish_reason: null }] },
    { choices: [{ delta: {}, finish_reason: "stop" }] },
    { choices: [], usage },
  ]);
  expect(columnsOf(decodeResponse(stream.body))).toMatchObject({ characters: [5], finish_reason: ["stop"] });
  expect(answerTo(fixture("kserve_qwen_input_chat_stream"), words("4")).body.toString()).not.toContain("usage");
});

test("a rung answers for embeddings, as numbers or in base64", () => {
  const vectors: Tensor = { name: "embedding", datatype: "FP32", shape: [1, 3], values: [0.5, -1, 2] };
  expect(JSON.parse(answerTo(fixture("kserve_text_embedding_input_openai_float"), vectors).body.toString())).toMatchObject({ object: "list", data: [{ index: 0, embedding: [0.5, -1, 2] }] });
  const packed = answerTo(fixture("kserve_text_embedding_input_openai_base64"), vectors).body;
  expect(JSON.parse(packed.toString())).toMatchObject({ data: [{ embedding: Buffer.from(Float32Array.of(0.5, -1, 2).buffer).toString("base64") }] });
  expect(columnsOf(decodeResponse(packed))).toMatchObject({ embeddings: [1], dimensions: [3] });
});

test("what a rung is asked: the text, and the settings as numbers; tokens can not be read", () => {
  expect(parseRequest(fixture("kserve_qwen_input_chat_stream"))).toMatchObject({
    ok: true,
    stream: true,
    inputs: [{ name: "prompt", values: ["Answer with just the number, nothing else.\n2+2="] }, { name: "prompt_characters" }, { name: "messages" }, { name: "max_tokens", values: [20] }, { name: "temperature", values: [0] }],
  });
  expect(parseRequest(fixture("openai_completion-text-batch.request"))).toMatchObject({ inputs: [{ name: "prompt", shape: [2] }] });
  expect(parseRequest(fixture("openai_completion-token.request"))).toEqual({ ok: false, reason: "no-tensors" });
  const asked = formatRequest([words("2+2="), { name: "max_tokens", datatype: "FP64", shape: [1], values: [20] }]);
  expect(JSON.parse(asked)).toEqual({ messages: [{ role: "user", content: "2+2=" }], max_tokens: 20 });
});

test("errors are OpenAI's, also where they end a stream", () => {
  expect(JSON.parse(openai.formatError("too many", 429))).toEqual({ error: { message: "too many", type: "rate_limit_error", param: null, code: null } });
  expect(JSON.parse(openai.formatError("broken", 503))).toMatchObject({ error: { type: "server_error" } });
  expect(openai.streamError("gone")?.toString()).toMatch(/^\n\ndata: \{"error":\{"message":"gone".*\}\}\n\n$/);
});

test("the list of models: the one that is named, or the first", () => {
  const list = { object: "list", data: [{ id: "base" }, { id: "adapter", parent: "base" }] };
  expect(openai.describe(list)).toEqual({ name: "base", versions: [], inputs: [], outputs: [] });
  expect(openai.describe(list, "adapter")).toMatchObject({ name: "adapter" });
  expect(openai.describe(list, "other")).toBeUndefined();
  for (const wrong of [null, [], {}, { data: [] }, { data: [1] }]) expect(openai.describe(wrong)).toBeUndefined();
});

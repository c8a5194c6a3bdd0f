/** Several models behind one server whose protocol names them in the body: which of them is ours. */
import { expect } from "vitest";
import { openai } from "../../agent/protocols/openai.ts";
import { fallback, httpServer, post, rung, stage, test } from "./stage.ts";

const chat = (model: string | undefined, text = "hi") => JSON.stringify({ messages: [{ role: "user", content: text }], model });
const path = "/v1/chat/completions";
const sent = (url: URL, body: string | readonly Buffer[]) => post(url, body, {}, path);

test("with a model configured, questions for others are passed on without ladder, headers or samples", async () => {
  const server = await httpServer((request, response) => void request.resume().on("end", () => response.writeHead(500).end("{}")));
  const small = rung("small", fallback());
  const { url, exchange, samples } = await stage(server, { protocol: openai, model: "base", rungs: [small] }, { sample: { ratio: 1 } });

  const other = await sent(url, chat("adapter"));
  expect(other.status).toBe(500);
  expect(Object.keys(other.headers).filter((name) => name.startsWith("pilotfish-"))).toEqual([]);
  expect(await exchange(1)).toMatchObject({ inference: false });

  const ours = await sent(url, chat("base"));
  expect(ours.headers).toMatchObject({ "pilotfish-rung": "small" });
  expect(await exchange(2)).toMatchObject({ inference: true, model: "base" });
  expect((await sent(url, chat(undefined))).headers).toMatchObject({ "pilotfish-rung": "small" });
  expect(small.asked).toHaveLength(2);
  expect(samples().map(({ model }) => model)).toEqual(["base", "base"]);
});

test("the name is found behind a prompt, and in a body that came in chunks it counts once it is here", async () => {
  const server = await httpServer((request, response) => void request.resume().on("end", () => response.end('{"choices":[]}')));
  const { url, exchange, samples } = await stage(server, { protocol: openai, model: "base" }, { sample: { ratio: 1 } });
  await sent(url, chat("adapter", "x".repeat(20_000)));
  expect(await exchange(1)).toMatchObject({ inference: false });
  await sent(url, [Buffer.from(chat("adapter").slice(0, 20)), Buffer.from(chat("adapter").slice(20))]);
  expect(await exchange(2)).toMatchObject({ inference: false });
  expect(samples()).toEqual([]);
});

test("with none configured each exchange bears the name that its body gives, and none where it gives none", async () => {
  const server = await httpServer((request, response) => void request.resume().on("end", () => response.end('{"choices":[]}')));
  const { url, exchange } = await stage(server, { protocol: openai });
  await sent(url, chat("base"));
  await sent(url, chat("adapter"));
  await sent(url, chat(undefined));
  expect([(await exchange(1)).model, (await exchange(2)).model, (await exchange(3)).model]).toEqual(["base", "adapter", ""]);
});

/** What a server may answer instead of an answer, on purpose or broken: the client never sees it as something that it is not. */
import { expect } from "vitest";
import { fallback, post, rawServer, rung, stage, test } from "./stage.ts";

const says = (answer: string) => rawServer((socket) => void socket.end(Buffer.from(answer, "latin1")));

test.each([
  ["a control character", "Fine\u0001"],
  ["a NUL", "Fi\u0000ne"],
  ["bytes beyond ASCII", "Sch\u00c3\u00b6n"],
  ["bytes that are no UTF-8", "\u00ff\u00fe"],
])("%s in the words behind the status: the usual words stand there, and the gateway lives on", async (_name, words) => {
  const { url } = await stage(await says(`HTTP/1.1 200 ${words}\r\nContent-Length: 2\r\n\r\n{}`), { rungs: [rung("small", fallback())] });
  for (let i = 0; i < 2; i += 1) {
    const answer = await post(url);
    expect([answer.status, answer.statusText]).toEqual([200, "OK"]);
  }
});

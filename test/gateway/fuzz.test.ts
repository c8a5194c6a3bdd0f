/**
 * Hostile bytes in both directions (bench/gateway/fuzz.ts), and well-formed messages of every shape. A share of the cases runs
 * here; `PILOTFISH_FUZZ=100000 npx vitest run test/gateway/fuzz.test.ts` runs that many of each. A failure names its seed.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { answersIn } from "../../bench/gateway/answers-in.ts";
import { fuzz } from "../../bench/gateway/fuzz.ts";
import { random, seed } from "../../bench/chance.ts";
import { bodyOf, httpServer, stage } from "./stage.ts";

const wanted = Number(process.env["PILOTFISH_FUZZ"] ?? 0);
const started = Number(process.env["PILOTFISH_FUZZ_SEED"] ?? 20_261_123);

test.each(["both", "ordinary"] as const)("mutated requests and answers, lanes %s: no answer is split, goes astray or is made up, and nothing is left", { timeout: 120_000 + wanted * 20 }, async (lanes) => {
  seed(started);
  const { answers, reached, found } = await fuzz({ cases: wanted > 0 ? wanted / 2 : 400, random, atOnce: 16, lanes });
  expect(found, `seed ${started}`).toEqual([]);
  expect(Math.min(answers, reached)).toBeGreaterThan(200);
});

const name = fc.stringMatching(/^x-[!#$%&'*+.^_`|~0-9a-z-]{1,20}$/);
const value = fc.string({ unit: fc.integer({ min: 0x21, max: 0xff }).filter((code) => code !== 0x7f).map((code) => String.fromCharCode(code)), maxLength: 40 });
const message = fc.record({
  path: fc.stringMatching(/^[!$-;=?-Z_a-z~]{0,60}$/),
  fields: fc.array(fc.tuple(name, value), { maxLength: 12 }),
  body: fc.uint8Array({ maxLength: 3_000 }),
  /** Lengths of chunks; none: framed by its length. */
  chunks: fc.array(fc.integer({ min: 1, max: 500 }), { maxLength: 4 }),
  cuts: fc.array(fc.nat(4_000), { maxLength: 3 }),
});

test("messages of every shape, well-formed and cut anywhere: each arrives as it was sent, and its answer as well", { timeout: 60_000 + wanted * 5 }, async () => {
  const server = await httpServer((request, response) => {
    void bodyOf(request).then((body) => {
      const fields = request.rawHeaders.flatMap((text, i) => (i % 2 === 0 && text.startsWith("x-") ? [text, request.rawHeaders[i + 1] ?? ""] : []));
      response.setHeader("x-asked", createHash("sha256").update(`${request.url} ${fields.join()}`, "latin1").digest("hex"));
      if (request.headers["content-length"] !== undefined) response.setHeader("content-length", body.length);
      response.end(body);
    });
  });
  const { url } = await stage(server);
  const socket = connect({ port: Number(url.port), host: url.hostname, noDelay: true });
  onTestFinished(() => void socket.destroy());
  let text = "";
  socket.on("data", (bytes) => (text += bytes.toString("latin1")));
  await once(socket, "connect");

  await fc.assert(
    fc.asyncProperty(message, async ({ path, fields, body, chunks, cuts }) => {
      const head = `POST /v2/models/m/infer?${path} HTTP/1.1\r\nHost: h\r\n${fields.map(([field, said]) => `${field}: ${said}\r\n`).join("")}`;
      const bytes = Buffer.concat([Buffer.from(head, "latin1"), ...framed(Buffer.from(body), chunks)]);
      text = "";
      let from = 0;
      for (const cut of [...cuts.filter((at) => at < bytes.length).sort((a, b) => a - b), bytes.length]) {
        socket.write(bytes.subarray(from, cut));
        from = cut;
        await new Promise(setImmediate);
      }
      while (answersIn(text).answers.length === 0) await once(socket, "data");
      const { answers, rest, fault } = answersIn(text);
      expect([answers.length, answers[0]?.status, rest, fault]).toEqual([1, 200, "", undefined]);
      const asked = createHash("sha256").update(`/v2/models/m/infer?${path} ${fields.flat().join()}`, "latin1").digest("hex");
      expect(answers[0]?.text).toContain(asked);
      expect(answers[0]?.text.endsWith(`\r\n\r\n${Buffer.from(body).toString("latin1")}`)).toBe(true);
    }),
    { numRuns: wanted > 0 ? wanted : 500, seed: started },
  );
});

function framed(body: Buffer, chunks: readonly number[]): Buffer[] {
  if (chunks.length === 0) return [Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body];
  const pieces: Buffer[] = [Buffer.from("Transfer-Encoding: chunked\r\n\r\n")];
  let from = 0;
  for (const length of [...chunks, body.length]) {
    const piece = body.subarray(from, from + length);
    from += piece.length;
    if (piece.length > 0) pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n"));
  }
  return [...pieces, Buffer.from("0\r\n\r\n")];
}

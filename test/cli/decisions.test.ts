/** The commands by which a person decides, against a control API of a few lines: what they ask, what they say, how they exit. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { call } from "./call.ts";
import { fakeApi } from "./fake-api.ts";

const override = { id: "7", action: "pin", rung: "small", owner: "ada", reason: "nonsense", at: "2026-01-01T00:00:00.000Z", until: "2026-01-01T00:30:00.000Z" };

function folder(files: Readonly<Record<string, string | Buffer>> = {}): string {
  const made = mkdtempSync(join(tmpdir(), "pilotfish-cli-"));
  onTestFinished(() => rmSync(made, { recursive: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(made, name), content);
  return made;
}

test("pin: what is asked, and what the person is told, warnings apart", async () => {
  const { url, asked } = await fakeApi(() => [201, { override, warnings: ["small may not answer"] }]);
  expect(await call(["pin", "small", "--reason", "nonsense", "--ttl", "30m", "--owner", "ada", "--api", url])).toEqual({
    code: 0,
    out: "small is pinned until 2026-01-01T00:30:00.000Z, by ada: nonsense\nto end it before: pilotfish release\n",
    err: "warning: small may not answer\n",
  });
  expect(asked).toMatchObject([{ route: "POST /v1/overrides", body: { action: "pin", rung: "small", reason: "nonsense", ttl: "30m", owner: "ada" } }]);
  const asJson = await call(["hold", "--reason", "measuring", "--api", url, "--json"]);
  expect(JSON.parse(asJson.out)).toEqual({ override, warnings: ["small may not answer"] });
  expect(asked[1]?.body).toEqual({ action: "hold", reason: "measuring", ttl: "1h" });
});

test.for<readonly [readonly string[], string]>([
  [["pin", "--reason", "x"], "name what to pin: primary, or a rung"],
  [["pin", "small"], "say why with --reason"],
  [["drain", "--reason", " "], "say why with --reason"],
  [["hold", "--reason", "x", "--ttl", "soon"], '--ttl: expected a duration such as 30m or 2h, got "soon"'],
  [["drain", "small", "--reason", "x"], "small"],
  [["review", "--verdict", "do"], "name the review that this answers"],
  [["review", "7", "--verdict", "maybe"], "expected do, do-not, skip"],
  [["review", "7", "--verdict", "do", "--actual", "1"], "either --actual or --verdict"],
  [["actuals"], "name the file"],
  [["actuals", "rows.parquet"], "ends in .csv, .tsv or .jsonl"],
  [["signals", "--api", "127.0.0.1:9081"], "--api: expected the URL of a control API"],
  [["completion", "powershell"], "bash, zsh, fish"],
  [["config"], "say what of it: schema"],
])("%j is refused before anybody is asked", async ([argv, says]) => {
  const { code, out, err } = await call(argv);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain(says);
});

test("what the API refuses is said in its words, and a bad value is bad input", async () => {
  const { url } = await fakeApi(() => [400, { title: "Bad Request", status: 400, detail: "the request has mistakes", errors: [{ pointer: "#/ttl", detail: "expected at most 24h" }] }]);
  expect(await call(["hold", "--reason", "x", "--ttl", "48h", "--api", url])).toEqual({ code: 2, out: "", err: "pilotfish hold: the request has mistakes; ttl: expected at most 24h\n" });
});

test("release ends the one in force, and says where there is none", async () => {
  let inForce = true;
  const { url, asked } = await fakeApi((route) => (route.startsWith("DELETE") ? [200, { override }] : [200, { overrides: inForce ? [override] : [] }]));
  expect(await call(["release", "--reason", "rolled back", "--api", url])).toMatchObject({ code: 0, out: expect.stringContaining("released: small is pinned") as string });
  expect(asked[1]?.route).toBe("DELETE /v1/overrides/7?reason=rolled%20back");
  inForce = false;
  expect(await call(["release", "--api", url])).toMatchObject({ code: 0, out: "no override is in force\n" });
});

test("text that others wrote can not steer the terminal", async () => {
  const { url } = await fakeApi(() => [201, { override: { ...override, reason: "a\u001b[2Jb\u009bc\u202ed\ne" }, warnings: [] }]);
  const { out } = await call(["pin", "small", "--reason", "x", "--api", url]);
  expect(out).toContain("by ada: a [2Jb c d e\n");
});

test("nobody there, no token, a wrong one, and no right: what was tried and what to do next", async () => {
  const { url, server } = await fakeApi((_, __, { authorization }) => [authorization === undefined || authorization === "Bearer wrong" ? 401 : authorization === "Bearer looker" ? 403 : 200, { detail: "this needs the role act", overrides: [] }]);
  const cwd = folder({ wrong: "wrong\n", looker: "looker", right: "right" });
  expect((await call(["release", "--api", url], cwd)).err).toBe(`pilotfish release: ${url}/v1/overrides: it asks for a token; name the file that holds it with --token-file or PILOTFISH_TOKEN_FILE\n`);
  expect((await call(["release", "--api", url, "--token-file", "wrong"], cwd)).err).toContain("it does not take this token; name the file");
  expect((await call(["release", "--api", url, "--token-file", "looker"], cwd)).err).toContain("this needs the role act; a token with another role may do it");
  expect(await call(["release"], cwd, "", { env: { PILOTFISH_API: url, PILOTFISH_TOKEN_FILE: "right" } })).toMatchObject({ code: 0 });
  expect(await call(["release", "--api", url, "--token-file", "missing"], cwd)).toMatchObject({ code: 2, err: expect.stringContaining("--token-file: ENOENT") as string });
  await new Promise((resolve) => server.close(resolve));
  const gone = await call(["release", "--api", url], cwd);
  expect(gone.code).toBe(1);
  expect(gone.err).toMatch(new RegExp(`^pilotfish release: ${url}/v1/overrides: refused \\(.+\\); is Pilotfish running there\\? --api names another control API\n$`));
});

test("a unix socket is asked as well as a port", async () => {
  const { url, asked } = await fakeApi(() => [200, { overrides: [] }], join(folder(), "api.sock"));
  expect(await call(["release", "--api", url])).toMatchObject({ code: 0 });
  expect(asked[0]?.route).toBe("GET /v1/overrides");
  expect((await call(["release", "--api", "unix:/nowhere/at.sock"])).err).toContain("unix:/nowhere/at.sock/v1/overrides: refused");
});

const waiting = { id: "17", kind: "approval", state: "open", question: "Promote version 2?", evidence: "it is right more often", at: "2026-01-01T00:00:00.000Z", deadline: "2026-01-01T00:30:00.000Z", default: "do-not" };

test("review: what waits, page after page; and an answer, as a verdict or as values", async () => {
  const { url, asked } = await fakeApi((route) => {
    if (route.startsWith("POST")) return [200, { ...waiting, state: "answered", ended: { who: "ada", at: "2026-01-01T00:10:00.000Z", verdict: "do" } }];
    return [200, route.includes("after=17") ? { reviews: [{ ...waiting, id: "18" }], next: null } : { reviews: [waiting], next: "17" }];
  });
  const listed = await call(["review", "--api", url]);
  expect(listed.out).toContain(" 17 Promote version 2?\n    it is right more often\n    since 2026-01-01T00:00:00.000Z; without an answer by 2026-01-01T00:30:00.000Z: do-not\n 18 Promote");
  expect(JSON.parse((await call(["review", "--limit", "1", "--json", "--api", url])).out)).toEqual({ reviews: [waiting], more: true });
  expect((await call(["review", "17", "--verdict", "do", "--reason", "go", "--api", url])).out).toContain("answered by ada at 2026-01-01T00:10:00.000Z: do\n");
  await call(["review", "18", "--actual", "1", "--actual", "yes", "--actual", '"1"', "--api", url]);
  expect(asked.filter(({ route }) => route.startsWith("POST")).map(({ body }) => body)).toEqual([{ verdict: "do", reason: "go" }, { actuals: [1, "yes", "1"] }]);
  const { url: empty } = await fakeApi(() => [200, { reviews: [], next: null }]);
  expect((await call(["review", "--api", empty])).out).toBe("nothing waits for a person\n");
});

const csv = (rows: number) => `inference_id,actual\n${Array.from({ length: rows }, (_, i) => `id-${i},${i % 2}`).join("\n")}\n`;

test("actuals: a file in batches of a thousand, CSV or JSON lines, packed or not", async () => {
  const { url, asked } = await fakeApi((_, body) => [202, { accepted: (body as unknown[]).length }]);
  const lines = '{"inference_id": "a", "actual": "yes"}\n\n{"inference_id": "b", "actuals": [1, true]}\n{"inference_id": 7, "actual": 0.5}\n';
  const cwd = folder({ "a.csv": csv(2_500), "b.jsonl": lines, "c.csv.gz": gzipSync("request;paid\nx;true\ny;-1.5e3\nz;007x\n") });
  expect(await call(["actuals", "a.csv", "--api", url], cwd)).toEqual({ code: 0, out: "2,500 posted\n", err: "" });
  expect(asked.map(({ route, body }) => [route, (body as unknown[]).length])).toEqual([["POST /v1/actuals", 1_000], ["POST /v1/actuals", 1_000], ["POST /v1/actuals", 500]]);
  expect(asked.flatMap(({ body }) => body)[2_499]).toEqual({ inference_id: "id-2499", actual: 1 });
  expect((await call(["actuals", "b.jsonl", "--api", url, "--json"], cwd)).out).toBe('{"accepted":3}\n');
  expect(asked.at(-1)?.body).toEqual([{ inference_id: "a", actual: "yes" }, { inference_id: "b", actuals: [1, true] }, { inference_id: "7", actual: 0.5 }]);
  await call(["actuals", "c.csv.gz", "--id", "request", "--actual", "paid", "--api", url], cwd);
  expect(asked.at(-1)?.body).toEqual([{ inference_id: "x", actual: true }, { inference_id: "y", actual: -1_500 }, { inference_id: "z", actual: "007x" }]);
});

test("actuals: with mistakes nothing is posted, and each is told with its line", async () => {
  const { url, asked } = await fakeApi(() => [202]);
  const cwd = folder({
    "bad.csv": `inference_id,actual\na,1\n,1\nc,\n${"d".repeat(201)},1\n`,
    "bad.jsonl": 'no json\n{"inference_id": "a"}\n{"actual": 1}\n[1]\n{"inference_id": "a", "actual": {}}\n{"inference_id": "a", "actual": 1, "actuals": [1]}\n',
    "columns.csv": "id,label\na,1\n",
    "empty.csv": "inference_id,actual\n",
    "many.csv": `inference_id,actual\n${",1\n".repeat(30)}`,
  });
  const lines = async (name: string) => {
    const { code, err } = await call(["actuals", name, "--api", url], cwd);
    expect(code).toBe(2);
    return err.trim().split("\n").map((line) => line.replace(`pilotfish actuals: ${name}: `, ""));
  };
  expect(await lines("bad.csv")).toEqual(["line 3: the id of an inference has 1 to 200 characters, got \"\"", "line 4: actual is empty", expect.stringMatching(/^line 5: the id/), "nothing was posted"]);
  expect((await lines("bad.jsonl")).map((line) => line.split(":")[0])).toEqual(["line 1", "line 2", "line 3", "line 4", "line 5", "line 6", "nothing was posted"]);
  expect(await lines("columns.csv")).toEqual(["there is no column inference_id and none actual; there are id, label. --id and --actual name others"]);
  expect(await lines("empty.csv")).toEqual(["there is not a single row"]);
  expect((await lines("many.csv")).slice(-2)).toEqual(["10 more mistakes", "nothing was posted"]);
  expect(await lines("missing.csv")).toEqual(["there is no such file"]);
  expect(asked).toEqual([]);
});

test("actuals: an API that stops taking them is said, with how many it took", async () => {
  let batches = 0;
  const { url } = await fakeApi(() => ((batches += 1) === 1 ? [202] : [500]));
  expect((await call(["actuals", "a.csv", "--api", url], folder({ "a.csv": csv(1_500) }))).err).toContain("the API answered 500 after 1000 were posted; the same file may be posted again");
});

/** The routes of reviews, asked as the server asks them. */
import { expect, test } from "vitest";
import { reviewRoutes } from "../../agent/api/reviews.ts";
import type { Answer } from "../../agent/api/route.ts";
import type { Review, ReviewAnswer } from "../../agent/review.ts";
import { askRoute } from "./routes.ts";

const waiting: Review = { id: "7", kind: "approval", state: "open", decision: "promotion", question: "Promote?", evidence: "<b>0.9</b>", atWallMs: 0, deadlineWallMs: 60_000, default: "do-not" };

function stage() {
  const answers: ReviewAnswer[] = [];
  const pages: unknown[][] = [];
  const routes = reviewRoutes({
    list(...asked) {
      pages.push(asked);
      return { reviews: [waiting], next: "7" };
    },
    get: (id) => (id === "7" ? waiting : undefined),
    answer(id, answer) {
      answers.push(answer);
      if (id === "8") return { ok: false, why: "ended", detail: "the review 8 has ended: answered by ada" };
      return id === "7" ? { ok: true, review: { ...waiting, state: "answered", ended: { who: "ada", atWallMs: 1_000, verdict: "do" } } } : { ok: false, why: "unknown", detail: `there is no review ${id}` };
    },
  });
  const ask = (method: string, path: string, more: object = {}): Promise<Answer> => askRoute(routes, method, path, { principal: { name: "ada", role: "act" }, ...more });
  return { ask, answers, pages };
}

const shown = { id: "7", kind: "approval", state: "open", decision: "promotion", question: "Promote?", evidence: "<b>0.9</b>", at: "1970-01-01T00:00:00.000Z", deadline: "1970-01-01T00:01:00.000Z", default: "do-not" };

test("what waits is listed by pages, and one is shown by its id", async () => {
  const { ask, pages } = stage();
  const listed = await ask("GET", "/v1/reviews");
  expect(JSON.parse(JSON.stringify(listed))).toEqual({ status: 200, body: { reviews: [shown], next: "7" } });
  await ask("GET", "/v1/reviews", { query: { state: "all", after: "7", limit: "2" } });
  expect(pages).toEqual([["open", undefined, 50], ["all", "7", 2]]);
  expect(await ask("GET", "/v1/reviews", { query: { limit: "1000" } })).toMatchObject({ status: 400, errors: [{ pointer: "#/limit" }] });
  expect(await ask("GET", "/v1/reviews", { query: { after: "x" } })).toMatchObject({ status: 400 });
  expect(await ask("GET", "/v1/reviews/7")).toMatchObject({ status: 200, body: { id: "7" } });
  expect(await ask("GET", "/v1/reviews/9")).toEqual({ status: 404, problem: "there is no review 9" });
});

test("an answer is a verdict or what came true, one of them", async () => {
  const { ask, answers } = stage();
  expect(await ask("POST", "/v1/reviews/7", { body: { verdict: "do", reason: " go " } })).toMatchObject({ status: 200, body: { state: "answered", ended: { who: "ada", verdict: "do" } } });
  await ask("POST", "/v1/reviews/7", { body: { actual: 0 } });
  await ask("POST", "/v1/reviews/7", { body: { actuals: ["yes", true] } });
  expect(answers).toEqual([{ verdict: "do", reason: "go" }, { actuals: [0] }, { actuals: ["yes", true] }]);
  for (const body of [{}, { verdict: "do", actual: 1 }, { verdict: "maybe" }, { actuals: [] }, { actual: null }]) {
    expect(await ask("POST", "/v1/reviews/7", { body })).toMatchObject({ status: 400 });
  }
  expect(await ask("POST", "/v1/reviews/8", { body: { verdict: "do" } })).toEqual({ status: 409, problem: "the review 8 has ended: answered by ada" });
  expect(await ask("POST", "/v1/reviews/9", { body: { verdict: "do" } })).toMatchObject({ status: 404 });
});

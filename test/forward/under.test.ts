import { expect, test } from "vitest";
import { under } from "../../agent/forward/under.ts";

test("a path is meant from where the server stands", () => {
  const at = (server: string) => under(new URL(server), "/v2/health/ready").href;
  expect(at("http://127.0.0.1:8080")).toBe("http://127.0.0.1:8080/v2/health/ready");
  expect(at("https://models.example/ranking/")).toBe("https://models.example/ranking/v2/health/ready");
  expect(at("https://models.example/a/b")).toBe("https://models.example/a/b/v2/health/ready");
});

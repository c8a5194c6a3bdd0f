/**
 * Grafana's own dashboard-linter over every dashboard, where it is installed: `go install github.com/grafana/dashboard-linter@v0.2.0`.
 * Its rules as we understand them are in boards.test.ts, which needs nothing; this is its maker's word on it.
 */
import { basename, join, resolve } from "node:path";
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { tool } from "./tool.ts";

const folder = resolve(import.meta.dirname, "../../grafana/dashboards");
const files = readdirSync(folder).map((name) => join(folder, name));
const linter = await tool("dashboard-linter", { probe: ["help"], get: "go install github.com/grafana/dashboard-linter@v0.2.0", required: process.env["PILOTFISH_LINTER"] === "1" });

describe.skipIf(linter.missing)("the real dashboard-linter", () => {
  test.each(files.map((file) => [basename(file), file]))("%s", async (_name, file) => {
    const { ok, output } = await linter("lint", "--strict", file);
    expect(ok, output).toBe(true);
  });
});

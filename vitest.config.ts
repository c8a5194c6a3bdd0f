import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Threads would share one process with onnxruntime's and SQLite's native parts; forks keep a crash in its own file.
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    // As agent/main.ts says it: the runtime would tell its maker of the tests.
    env: { ORT_DISABLE_TELEMETRY: "1" },
    reporters: ["default", "./test/closing-line.ts"],
  },
});

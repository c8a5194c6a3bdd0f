/** Other programs that tests ask for their opinion: promtool and amtool, of Debian's prometheus and prometheus-alertmanager, and Grafana's dashboard-linter. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Tool {
  /** False where it is not installed; then a test that needs it says so loudly, and fails where real components are required. */
  readonly missing: boolean;
  /** What it printed, on both streams. */
  (...args: string[]): Promise<Said>;
  /** The same with something to read on its standard input. */
  readonly reading: (input: string, ...args: string[]) => Promise<Said>;
}

export interface Said {
  readonly ok: boolean;
  readonly output: string;
}

interface Asking {
  /** Arguments to which it answers well if it is there. */
  readonly probe?: readonly string[];
  /** How one gets it. */
  readonly get?: string;
  /** Whether its tests run, and fail, where it is missing. */
  readonly required?: boolean;
}

const debian = "Debian: apt-get install prometheus prometheus-alertmanager";

export async function tool(name: string, { probe = ["--version"], get = debian, required = process.env["PILOTFISH_REAL"] === "1" }: Asking = {}): Promise<Tool> {
  const reading = async (input: string, ...args: string[]): Promise<Said> => {
    try {
      const running = run(name, args, { timeout: 60_000, maxBuffer: 16 * 1_048_576 });
      running.child.stdin?.on("error", () => {}).end(input); // One that does not read says so by its end.
      const { stdout, stderr } = await running;
      return { ok: true, output: stdout + stderr };
    } catch (error) {
      const { stdout = "", stderr = "", message } = error as { stdout?: string; stderr?: string; message: string };
      return { ok: false, output: stdout + stderr || message };
    }
  };
  const call = (...args: string[]): Promise<Said> => reading("", ...args);
  const installed = (await call(...probe)).ok;
  if (!installed) console.warn(`\n*** ${name} is not installed: what it would check is NOT checked. ${get} ***\n`);
  // What is required never counts as missing, so the test runs and fails at its first call.
  return Object.assign(call, { reading, missing: !installed && !required });
}

/** A folder of files for the time that `use` takes. */
export async function withFiles<T>(files: Readonly<Record<string, string>>, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "pilotfish-"));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

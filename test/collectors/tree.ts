/** A folder of files for a test, such as a /proc or a cgroup; gone when the test is. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Files by their path; a text that begins with `-> ` is a link. */
export class Tree implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "pilotfish-"));

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [path, text] of Object.entries(files)) this.write(path, text);
  }

  path(path: string): string {
    return join(this.root, path);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    if (text.startsWith("-> ")) symlinkSync(text.slice(3), this.path(path));
    else writeFileSync(this.path(path), text, { mode: 0o755 });
  }

  remove(path: string): void {
    rmSync(this.path(path), { recursive: true });
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** `/proc/<pid>/stat` with these figures; the rest as Linux 6 prints it. */
export function stat({ pid = 42, name = "python3", state = "S", parent = 1, userTicks = 0, systemTicks = 0, threads = 1, startTicks = 5_000 } = {}): string {
  return `${pid} (${name}) ${state} ${parent} ${pid} ${pid} 0 -1 4194560 98221 0 12 0 ${userTicks} ${systemTicks} 0 0 20 0 ${threads} 0 ${startTicks} 2961940480 84711 18446744073709551615 94761597390848 94761597410729 140722275196016 0 0 0 0 16781312 134217730 0 0 0 17 1 0 0 0 0 0 94761597426736 94761597428352 94762617126912 140722275203768 140722275203788 140722275203788 140722275205099 0\n`;
}

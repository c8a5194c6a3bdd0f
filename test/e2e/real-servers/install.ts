/**
 * Installs the Python model servers that real-servers.test.ts starts, and the tools of other tests: `node test/e2e/real-servers/install.ts`. Each gets a
 * virtual environment of its own, with exactly the versions of its requirements file, wheels only. What is there already is
 * left alone, so a cache between runs saves everything but a look. Needs python3 (3.11 or newer) with venv; takes a minute
 * or two and 1.2 GB.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environment, files, servers, serversFolder, tools } from "./servers.ts";

mkdirSync(serversFolder, { recursive: true });
for (const server of [...servers, ...tools]) {
  const requirements = join(files, `${server}.requirements.txt`);
  const folder = environment(server);
  const stamp = join(folder, "requirements.sha256");
  const wanted = createHash("sha256").update(readFileSync(requirements)).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) {
    console.log(`${server} is installed in ${folder}`);
    continue;
  }
  console.log(`installing ${server} into ${folder}`);
  rmSync(folder, { recursive: true, force: true });
  execFileSync("python3", ["-m", "venv", folder], { stdio: "inherit" });
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "--no-deps", "-r", requirements];
  execFileSync(join(folder, "bin/python"), pip, { stdio: "inherit" });
  writeFileSync(stamp, wanted);
}

/** A virtual environment of Python with exactly the versions of a requirements file, wheels only. What is there already is left alone. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export function installPython(name: string, folder: string, requirements: string): void {
  const stamp = join(folder, "requirements.sha256");
  const wanted = createHash("sha256").update(readFileSync(requirements)).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) {
    console.log(`${name} is installed in ${folder}`);
    return;
  }
  console.log(`installing ${name} into ${folder}`);
  rmSync(folder, { recursive: true, force: true });
  execFileSync("python3", ["-m", "venv", folder], { stdio: "inherit" });
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "--no-deps", "-r", requirements];
  execFileSync(join(folder, "bin/python"), pip, { stdio: "inherit" });
  writeFileSync(stamp, wanted);
}

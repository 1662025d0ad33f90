import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";

/**
 * Lays the tree of a git ref out in `dir`, with the packages of its own lock file; ours are linked where the lock is the same.
 * @throws Error when there is no such ref, or its packages cannot be installed
 */
export async function layOutTree(ref: string, dir: string): Promise<void> {
  const archive = spawn("git", ["archive", ref], { stdio: ["ignore", "pipe", "inherit"] });
  const unpack = spawn("tar", ["-x", "-C", dir], { stdio: ["pipe", "inherit", "inherit"] });
  archive.stdout.pipe(unpack.stdin);
  await Promise.all([succeeded(archive, `git archive ${ref}`), succeeded(unpack, "tar")]);
  const [ours, theirs] = await Promise.all([".", dir].map((root) => readFile(join(root, "package-lock.json"), "utf8")));
  if (ours === theirs) return symlink(resolve("node_modules"), join(dir, "node_modules"));
  await succeeded(spawn("npm", ["ci", "--omit=dev"], { cwd: dir, stdio: ["ignore", "ignore", "inherit"] }), "npm ci");
}

async function succeeded(child: ReturnType<typeof spawn>, what: string): Promise<void> {
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${what} ended with ${code}`);
}

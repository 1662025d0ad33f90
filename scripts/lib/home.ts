import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { canReach, type PostgresUser, reachableDir } from "./postgres-binaries.ts";

/** The directory that keeps a local stack's data: `SLUICE_HOME`, or `.sluice` where it is started. */
export function openHome(env: NodeJS.ProcessEnv): string {
  const dir = resolve(env.SLUICE_HOME || ".sluice");
  mkdirSync(dir, { recursive: true });
  return dir;
}

export interface HomeSecrets {
  postgresPassword: string;
  /** As `SLUICE_ENCRYPTION_KEYS` has them. */
  encryptionKeys: string;
}

/** Made at the first start, and kept: the data can't be read without them. */
export function homeSecrets(home: string): HomeSecrets {
  const path = join(home, "secrets.json");
  const kept = readJson<HomeSecrets>(path);
  if (kept !== null) return kept;
  const made = {
    postgresPassword: randomBytes(24).toString("base64url"),
    encryptionKeys: `k1:${randomBytes(32).toString("base64")}`,
  };
  writePrivateJson(path, made);
  return made;
}

/**
 * The directory of the home's Postgres. For root it may lie elsewhere, with a link to it in the home: Postgres runs as
 * another user, who can't pass through a private directory such as /root.
 */
export async function homePostgresDir(home: string, user: PostgresUser): Promise<string> {
  const link = join(home, "postgres");
  const kept = realpathOrNull(link);
  if (kept !== null) {
    if (canReach(kept, user)) return kept;
    throw new Error(`${kept} belongs to another user: start Sluice as that one, or with another SLUICE_HOME`);
  }
  rmSync(link, { force: true });
  const dir = await reachableDir(link, user);
  if (dir !== link) symlinkSync(dir, link);
  return dir;
}

/** Null where there is no such file. */
export function readJson<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** For the owner's eyes, and never half written. Not async: what it says must be on disk before anything else happens. */
export function writePrivateJson(path: string, value: unknown): void {
  const partial = `${path}.${process.pid}.new`;
  writeFileSync(partial, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(partial, path);
}

function realpathOrNull(path: string): string | null {
  try {
    return realpathSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

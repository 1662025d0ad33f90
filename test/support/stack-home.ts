import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../scripts/lib/ports.ts";

export interface StackHome {
  dir: string;
  /** This process's environment with `SLUICE_HOME`, ports that were free just now, and a Temporal of its own. */
  env: NodeJS.ProcessEnv;
  remove(): Promise<void>;
}

/** An empty home for a local stack of the caller's own. */
export async function createStackHome(): Promise<StackHome> {
  const dir = await mkdtemp(join(tmpdir(), "sluice-home-"));
  // Root's Postgres runs as another user, which has to get through here.
  await chmod(dir, 0o711);
  const variables = ["PORT", "POSTGRES_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT"];
  const ports = await Promise.all(variables.map(async (name) => [name, String(await freePort())]));
  const { TEMPORAL_ADDRESS, ...env } = process.env;
  return {
    dir,
    env: { ...env, ...Object.fromEntries(ports), SLUICE_HOME: dir },
    remove: () => rm(dir, { recursive: true }),
  };
}

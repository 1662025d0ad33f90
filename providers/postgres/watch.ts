import { type BackendWatch, createBackendWatch, LOOK_AT_BACKENDS } from "../../core/backend-watch.ts";
import { type Access, openConnection } from "./connection.ts";

/** Of this process, one for each login at a server, so that however many sessions read there are looked at through one. */
const watches = new Map<string, BackendWatch>();

export function watchOf(access: Access): BackendWatch {
  const { host, port, database, user, sslMode, sslRootCert } = access.config;
  const key = JSON.stringify([host, port, database, user, access.password, sslMode, sslRootCert]);
  const known = watches.get(key);
  if (known !== undefined) return known;
  const open = async () => {
    const { client, destroy } = await openConnection(access, null);
    return {
      ask: async (pids: number[], starts: string[]) => (await client.query(LOOK_AT_BACKENDS, [pids, starts])).rows,
      drop: destroy,
    };
  };
  // Nothing remembers a password that was changed.
  const watch = createBackendWatch(open, () => watches.delete(key));
  watches.set(key, watch);
  return watch;
}

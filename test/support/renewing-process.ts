import { once } from "node:events";
import { createRenewals } from "../../activities/renewals.ts";
import { createSharedConnection, personAsks } from "../../activities/shared-connection.ts";
import { createRedactor } from "../../core/redact.ts";
import { createDb } from "../../db/client.ts";
import { findConnection } from "../../db/connections.ts";
import { createKeyring, openSecrets } from "../../db/secrets.ts";
import { refreshTokenAuth } from "../../providers/lib/http/auth/oauth2.ts";
import { createHttpClient } from "../../providers/lib/http/client.ts";
import type { SharedConnection } from "../../providers/provider.ts";
import { CLIENT_SECRET } from "./oauth-server.ts";
import { LOOPBACK_EGRESS } from "./shared-connection.ts";

/** What a worker does that asks an API with the tokens of a connection: it says `ready`, begins at a line of input, and says how it went. */

export interface RenewingProcess {
  databaseUrl: string;
  keyring: string;
  connectionId: string;
  origin: string;
  requests: number;
  /** The process ends itself, as a machine would: when the source has answered, or when that is stored. */
  dies: "before it stores" | "before it uses" | null;
}

const task: RenewingProcess = JSON.parse(process.argv[2] ?? "");
const die = (): boolean => process.kill(process.pid, "SIGKILL");
const db = createDb({ url: task.databaseUrl, maxConnections: 2, onPoolError: () => undefined });
const keyring = createKeyring(task.keyring);
const connection = await findConnection(db, task.connectionId);
if (connection === null) throw new Error("there is no such connection");
const signal = new AbortController().signal;

const stored = createSharedConnection({ db, keyring, renewals: createRenewals() }, task.connectionId, {
  ...{ use: "present", signal, asker: personAsks(Date.now() + 60_000), admit: () => undefined },
});
const shared: SharedConnection = {
  ...stored,
  async renew(renew) {
    const renewed = await stored.renew(async (now) => {
      const changed = await renew(now);
      if (changed !== null && task.dies === "before it stores") die();
      return changed;
    });
    if (task.dies === "before it uses") die();
    return renewed;
  },
};
const client = createHttpClient({
  ...{ provider: "http_api", baseUrl: `${task.origin}/api`, redactor: createRedactor(), shared, signal },
  egress: LOOPBACK_EGRESS,
  auth: refreshTokenAuth(
    { tokenUrl: `${task.origin}/token`, clientId: "confidential", clientSecret: CLIENT_SECRET, sendIn: "header" },
    { name: "refreshToken", value: openSecrets(keyring, connection).refreshToken ?? "" },
  ),
});

process.stdout.write("ready\n");
await once(process.stdin, "data");
for (let page = 1; page <= task.requests; page += 1) {
  const { status } = await client.send({ doing: `page ${page}`, method: "GET", url: `orders${page}` });
  process.stdout.write(`${status}\n`);
}
await client.close();
await db.destroy();
process.exit(0);

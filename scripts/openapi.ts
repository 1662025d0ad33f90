import { writeFile } from "node:fs/promises";
import { pino } from "pino";
import { OPEN_ACCESS } from "../api/access.ts";
import { createApp } from "../api/app.ts";
import type { ControlPort } from "../control/port.ts";
import { createDb } from "../db/client.ts";
import { createKeyring } from "../db/secrets.ts";
import { findProvider } from "../providers/index.ts";
import { generateClientSchema } from "./lib/client-schema.ts";

/** Writes docs/openapi.json, and the client's types from it. The document depends on no state, so the parts below are made and never asked. */

const log = pino({ level: "silent" });
const unasked = () => Promise.reject(new Error("The document is made without Temporal."));
const control: ControlPort = {
  dispatchRun: unasked,
  deliverCancel: unasked,
  runConnectionTask: unasked,
  startPlanTask: unasked,
  findNoWorker: unasked,
  temporalReachable: unasked,
  readNamespaceId: unasked,
};

const app = createApp({
  db: createDb({ url: "postgres://localhost/never-connected", onPoolError: (error) => log.error(error) }),
  keyring: createKeyring(`unused:${Buffer.alloc(32).toString("base64")}`),
  control,
  log,
  access: OPEN_ACCESS,
  findProvider,
});
const document: unknown = await (await app.request("/openapi.json")).json();
const text = `${JSON.stringify(document, null, 2)}\n`;
await writeFile(new URL("../docs/openapi.json", import.meta.url), text);
await writeFile(new URL("../client/schema.ts", import.meta.url), await generateClientSchema(text));

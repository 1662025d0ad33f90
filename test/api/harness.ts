import { randomBytes, randomUUID } from "node:crypto";
import { pino } from "pino";
import { z } from "zod";
import { type Access, OPEN_ACCESS } from "../../api/access.ts";
import { createApp } from "../../api/app.ts";
import type { ControlPort } from "../../control/port.ts";
import type { ConnectionTaskRequest, ConnectionTaskResult, DiscoveredEntity } from "../../core/connection-tasks.ts";
import type { AppError } from "../../core/errors.ts";
import type { EntityLoadPreview } from "../../core/plan-preview.ts";
import type { Db } from "../../db/client.ts";
import { completeTask, getTask } from "../../db/connection-tasks.ts";
import { createKeyring, type Keyring } from "../../db/secrets.ts";
import { findProvider } from "../../providers/index.ts";
import { createControlDatabase, openDb } from "../support/postgres.ts";
import type { Row } from "../support/world.ts";
import { shop } from "./shop-provider.ts";

/** JSON of many shapes, read field by field in assertions. */
export type Json = Row;

export interface Answer {
  status: number;
  headers: Headers;
  body: Json;
}

/** Temporal as the API sees it: what was asked of it, and answers that a test may change. */
export interface FakeControl extends ControlPort {
  dispatched: string[];
  cancelled: string[];
  checked: (ConnectionTaskRequest & { connectionId: string })[];
  reachable: boolean;
  /** What is said of a task queue when a plan takes long. */
  noWorker: AppError | null;
  /**
   * Finds every entity that is asked for, each with key `id` and cursor `updated_at`, until a test says otherwise. Null for a plan that is
   * still being made.
   */
  answerCheck: (asked: ConnectionTaskRequest & { connectionId: string }) => Promise<ConnectionTaskResult | null>;
}

export interface Api {
  db: Db;
  keyring: Keyring;
  control: FakeControl;
  logLines: string[];
  /** Also holds the answer against the OpenAPI document: its status is documented, its body fits the schema. */
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  /** As it goes over the wire: any text, any headers. */
  send(
    method: string,
    path: string,
    init: { body?: string | Uint8Array<ArrayBuffer>; headers?: Record<string, string> },
  ): Promise<Answer>;
  /** As it is answered, for what is not JSON. */
  raw(path: string): Promise<Response>;
  /** For a client. @param address where it calls from */
  fetch(request: Request, address?: string): Promise<Response>;
  createConnection(name?: string): Promise<string>;
  /** Of the dynamic provider, unless `body` names another connection. */
  createSync(body?: Json): Promise<Json>;
  close(): Promise<void>;
}

/**
 * @param options.db another control database than one of the test's own
 * @param options.access what differs from a server on which nothing is configured
 */
export async function createApi(options: { db?: Db; access?: Partial<Access> } = {}): Promise<Api> {
  const database = await createControlDatabase();
  const db = options.db ?? openDb(database.url);
  const keyring = createKeyring(`k1:${randomBytes(32).toString("base64")}`);
  const control = createFakeControl(db);
  const logLines: string[] = [];
  const log = pino({ level: "trace" }, { write: (line) => logLines.push(line) });
  const app = createApp({
    db,
    keyring,
    control,
    log,
    access: { ...OPEN_ACCESS, ...options.access },
    findProvider: (key) => (key === shop.key ? shop : findProvider(key)),
  });
  const document: Json = JSON.parse(await (await app.request("/openapi.json")).text());

  const send: Api["send"] = async (method, path, init) => {
    const response = await app.request(path, { method, ...init });
    const text = await response.text();
    const answer = { status: response.status, headers: response.headers, body: text === "" ? {} : JSON.parse(text) };
    holdAgainstDocument(document, method, path, answer);
    return answer;
  };

  const api: Api = {
    db,
    keyring,
    control,
    logLines,
    send,
    raw: async (path) => app.request(path),
    fetch: async (request, remoteAddress) => app.fetch(request, { incoming: { socket: { remoteAddress } } }),
    call: (method, path, body) =>
      send(
        method,
        `/api/v1${path}`,
        body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } },
      ),
    async createConnection(name = "source") {
      const { status, body } = await api.call("POST", "/connections", postgresConnection({ name }));
      if (status !== 201) throw new Error(`connection: ${status} ${JSON.stringify(body)}`);
      return body.id;
    },
    async createSync(body = {}) {
      const connectionId = body.connectionId ?? (await api.createConnection());
      const given = { name: `Sync ${randomUUID()}`, entities: ["public.orders"], ...body, connectionId };
      const created = await api.call("POST", "/syncs", given);
      if (created.status !== 201) throw new Error(`sync: ${created.status} ${JSON.stringify(created.body)}`);
      return created.body;
    },
    async close() {
      await db.destroy();
      await database.drop();
    },
  };
  return api;
}

export function postgresConnection(body: Json = {}): Json {
  return {
    name: "source",
    provider: "postgres",
    config: { host: "db.example.com", database: "shop", user: "reader" },
    secrets: { password: "hunter2-canary" },
    ...body,
  };
}

export function resolved(
  entityKey: string,
  found: Partial<DiscoveredEntity> & { cursorField?: string | null } = {},
): DiscoveredEntity {
  const { cursorField = "updated_at", ...rest } = found;
  return {
    entityKey,
    displayName: entityKey,
    description: "",
    columns: [{ name: "id", type: "bigint", nullable: false }],
    primaryKeyColumns: ["id"],
    cursorFields: cursorField === null ? [] : [cursorField],
    loadMode: "upsert",
    dependsOn: [],
    slicing: { by: "none" },
    sizeClass: "m",
    estimatedRows: null,
    ...rest,
  };
}

/** What a worker says that a run would do with an entity. */
export function plannedLoad(): EntityLoadPreview {
  return {
    schema: "shop",
    table: "orders",
    loadMode: "upsert",
    keyColumns: ["id"],
    cursorField: "updated_at",
    scan: "full",
    cursor: { from: null, to: "2026-01-01 00:00:00+00" },
    estimatedRows: { toRead: 10, present: null },
    slices: { count: 1, labels: ["1/1"] },
    apply: "copy",
    changes: ["create table shop.orders (id bigint)"],
    deletes: { kind: "none", rows: 0 },
    losses: [],
    confirmation: null,
  };
}

/** `["body", "name"] missing` of every item of a 422, in order. */
export function itemsOf(answer: Answer): string[] {
  return answer.body.detail.map((item: Json) => `${JSON.stringify(item.loc)} ${item.type}`);
}

/** Of the Temporal that a test imagines. */
export const NAMESPACE_ID = "32049b68-7872-4094-8e63-d0dd59896a83";

function createFakeControl(db: Db): FakeControl {
  const control: FakeControl = {
    dispatched: [],
    cancelled: [],
    checked: [],
    reachable: true,
    noWorker: null,
    answerCheck: async ({ entities }) => ({
      ok: true,
      checks: [],
      entities: (entities ?? ["public.orders"]).map((key) => resolved(key)),
    }),
    dispatchRun: async (runId) => {
      control.dispatched.push(runId);
    },
    deliverCancel: async (runId) => {
      control.cancelled.push(runId);
    },
    async runConnectionTask({ taskId, connectionId }) {
      const { request } = await getTask(db, taskId);
      const asked = { ...request, connectionId };
      control.checked.push(asked);
      const result = await control.answerCheck(asked);
      if (result === null) throw new Error("Only a plan may go on being made.");
      await completeTask(db, taskId, result);
      return { ok: result.ok };
    },
    async startPlanTask({ taskId, connectionId }) {
      const { request, completedAt } = await getTask(db, taskId);
      if (completedAt !== null) return;
      const asked = { ...request, connectionId };
      control.checked.push(asked);
      const result = await control.answerCheck(asked);
      if (result !== null) await completeTask(db, taskId, result);
    },
    findNoWorker: async () => control.noWorker,
    temporalReachable: async () => control.reachable,
    readNamespaceId: async () => (control.reachable ? NAMESPACE_ID : null),
  };
  return control;
}

function holdAgainstDocument(document: Json, method: string, path: string, answer: Answer): void {
  const pathname = path.split("?")[0] ?? path;
  const templates = Object.keys(document.paths)
    .filter((template) => new RegExp(`^${template.replaceAll(/\{[^}]+\}/g, "[^/]+")}$`).test(pathname))
    .sort((a, b) => a.split("{").length - b.split("{").length);
  const operation = templates.map((template) => document.paths[template][method.toLowerCase()]).find(Boolean);
  if (!operation) return;
  const response = operation.responses[answer.status];
  const what = `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`;
  if (!response) throw new Error(`undocumented ${what}`);
  const schema = response.content?.["application/json"]?.schema;
  if (!schema) return;
  const fits = z.fromJSONSchema(dereference(document, schema)).safeParse(answer.body);
  if (!fits.success) throw new Error(`unlike its schema: ${what}\n${z.prettifyError(fits.error)}`);
}

function dereference(document: Json, node: unknown): Json {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== "object" || value === null) return value;
    if ("$ref" in value && typeof value.$ref === "string") {
      return walk(document.components.schemas[value.$ref.replace("#/components/schemas/", "")]);
    }
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item)]));
  };
  return walk(node) as Json;
}

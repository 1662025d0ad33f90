import { createHash, randomBytes, randomUUID } from "node:crypto";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { OPEN_ACCESS } from "../../api/access.ts";
import { createCanaries, dumpDatabase, dumpWorkflows } from "../support/canary.ts";
import { createEchoingApi, type EchoingApi } from "../support/echoing-api.ts";
import { createEchoingPostgres } from "../support/echoing-postgres.ts";
import { ENCODINGS } from "../support/encodings.ts";
import { seedOrders } from "../support/orders.ts";
import { withClient } from "../support/postgres.ts";
import { createWorld, type Row, until, type WorkerProcess, type World } from "../support/world.ts";

/** Nothing listens there. */
const CLOSED_PORT = 1;

/**
 * A secret is planted wherever one can be given, and used in ways that succeed and that fail; then everything that Sluice
 * has written or said is searched.
 */
describe("secrets", () => {
  const canaries = createCanaries();
  const { plant } = canaries;
  const role = `canary_${randomBytes(4).toString("hex")}`;
  const apiKey = plant("API key");
  const logLines: string[] = [];
  const answers: string[] = [];

  let world: World;
  let worker: WorkerProcess;
  let fakePostgres: Awaited<ReturnType<typeof createEchoingPostgres>>;
  let api: EchoingApi;

  beforeAll(async () => {
    world = await createWorld({
      access: {
        ...OPEN_ACCESS,
        keys: [{ name: "tester", scope: "admin", hash: createHash("sha256").update(apiKey).digest() }],
      },
      log: pino({ level: "trace" }, { write: (line: string) => void logLines.push(line) }),
    });
    await seedOrders(world, 500);
    worker = await world.startWorker({ LOG_LEVEL: "trace", SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.0/8" });
    fakePostgres = await createEchoingPostgres();
    api = await createEchoingApi((kind) => plant(`issued ${kind} token`));
  });
  afterAll(async () => {
    await world.close();
    // Nothing of it is left once the databases are gone.
    await withClient(inject("postgresUrl"), (client) => client.query(`drop role ${role}`));
    await Promise.all([fakePostgres.close(), api.close()]);
  });

  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await world.fetch(
      new Request(`http://127.0.0.1/api/v1${path}`, {
        method,
        headers: { "x-api-key": apiKey, "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    );
    const text = await response.text();
    answers.push(JSON.stringify([...response.headers]), text);
    const json: Row = text === "" ? {} : JSON.parse(text);
    return { status: response.status, body: json };
  }

  async function connect(body: Row): Promise<string> {
    const made = await call("POST", "/connections", { name: `connection ${randomUUID()}`, ...body });
    if (made.status !== 201) throw new Error(JSON.stringify(made.body));
    return made.body.id;
  }

  /** A database of the test server, or what says it is one. */
  function postgres(url: string, password: string, more: { user?: string; port?: number } = {}): Promise<string> {
    const { hostname, port, pathname, username } = new URL(url);
    const config = { host: hostname, port: Number(port), database: pathname.slice(1), user: username, ...more };
    return connect({ provider: "postgres", config: { ...config, sslMode: "disable" }, secrets: { password } });
  }

  async function run(connectionId: string, more: Row = {}): Promise<Row> {
    const made = await call("POST", "/syncs", {
      name: `sync ${randomUUID()}`,
      connectionId,
      entities: ["public.orders"],
      executionConfig: { maxAutoResumeAttempts: 0, heartbeatTimeoutSeconds: 5 },
      ...more,
    });
    if (made.status !== 201) throw new Error(JSON.stringify(made.body));
    const { body: triggered } = await call("POST", `/syncs/${made.body.id}/trigger`, {});
    return until(`run ${triggered.id}`, async () => {
      const { body } = await call("GET", `/syncs/runs/${triggered.id}`);
      return body.completedAt === null ? null : body;
    });
  }

  it("are recognised in whatever form", () => {
    const secret = plant("control");
    const basic = Buffer.from(`user:${secret}`).toString("base64");
    for (const text of [`a ${secret} b`, encodeURIComponent(secret), `Basic ${basic}`, JSON.stringify({ secret })]) {
      expect(canaries.findIn(text), text).toContainEqual(expect.stringMatching(/^control as /));
    }
    expect(canaries.findIn("nothing to be seen")).toEqual([]);
  });

  it("of databases are used, in runs that succeed and in runs that fail", async () => {
    const [first, second] = [plant("role's first password"), plant("role's second password")];
    await world.source(`create role ${role} login password '${first}'; grant select on orders to ${role}`);
    const [warehouse] = await world.warehouse("select current_database() as name");
    await world.warehouse(`grant create, temporary on database ${warehouse?.name} to ${role}`);

    const source = await postgres(world.sourceUrl, first, { user: role });
    const destination = await postgres(world.warehouseUrl, first, { user: role });
    const loaded = { connectionId: destination, schema: "canary_one" };
    expect(await run(source, { destinationConfig: loaded, status: "active" })).toMatchObject({ status: "succeeded" });

    await world.source(`alter role ${role} password '${second}'`);
    const refused = await call("POST", `/connections/${source}/rotate`, { secrets: { password: plant("refused") } });
    expect(refused.status).toBe(422);
    const failed = await run(source, { destinationConfig: { schema: "canary_two" } });
    expect(failed).toMatchObject({ status: "failed", resultReasonCode: "source_auth_failed" });
    const undelivered = await run(await postgres(world.sourceUrl, second, { user: role }), {
      destinationConfig: { ...loaded, schema: "canary_three" },
    });
    expect(undelivered).toMatchObject({ status: "failed", resultReasonCode: "destination_auth_failed" });
    expect((await call("POST", `/connections/${source}/rotate`, { secrets: { password: second } })).status).toBe(200);
    expect((await call("PATCH", `/connections/${destination}`, { secrets: { password: second } })).status).toBe(200);
    const again = await run(source, { destinationConfig: { ...loaded, schema: "canary_four" } });
    expect(again).toMatchObject({ status: "succeeded" });
  });

  it("are given to servers that are down, or that say them out loud", async () => {
    const down = await postgres(world.sourceUrl, plant("source that is down"), { port: CLOSED_PORT });
    const echoing = await postgres(world.sourceUrl, plant("source that echoes"), { port: fakePostgres.port });
    const warehouseDown = await postgres(world.warehouseUrl, plant("warehouse that is down"), { port: CLOSED_PORT });
    const echoingToo = await postgres(world.warehouseUrl, plant("warehouse that echoes"), { port: fakePostgres.port });
    const fine = await postgres(world.sourceUrl, decodeURIComponent(new URL(world.sourceUrl).password));
    for (const id of [down, echoing, warehouseDown, echoingToo]) {
      expect((await call("POST", `/connections/${id}/check`)).body).toMatchObject({ status: "failed" });
      expect((await call("GET", `/connections/${id}/catalog`)).status).toBe(409);
    }
    const rotated = await call("POST", `/connections/${echoing}/rotate`, { secrets: { password: plant("rotated") } });
    expect(rotated.status).toBe(422);
    expect(rotated.body.detail[0].msg).toContain('"***" is not the password');
    const activated = await call("POST", "/syncs", {
      name: "echo",
      connectionId: echoing,
      entities: ["public.orders"],
      status: "active",
    });
    expect(activated.status).toBe(422);

    const results = await Promise.all([
      run(down),
      run(echoing),
      run(fine, { destinationConfig: { connectionId: warehouseDown, schema: "canary_five" } }),
      run(fine, { destinationConfig: { connectionId: echoingToo, schema: "canary_six" } }),
    ]);
    expect(results.map(({ resultReasonCode }) => resultReasonCode)).toEqual([
      "source_unavailable",
      "source_auth_failed",
      "destination_unavailable",
      "destination_auth_failed",
    ]);
    expect(results[1]?.error).toContain('"***" is not the password');
    expect(results[3]?.error).toContain('"***" is not the password');
  });

  it("of an HTTP API are used, replaced by it, and quoted in its refusals", async () => {
    const id = await connect({
      provider: "http_api",
      config: {
        baseUrl: api.baseUrl,
        auth: {
          type: "oauth2_refresh",
          tokenUrl: `${api.baseUrl}/token`,
          clientId: "sluice",
          clientSecretSecret: "clientSecret",
          refreshTokenSecret: "refreshToken",
        },
        resources: [{ name: "items", path: "items", primaryKey: ["id"] }],
      },
      secrets: { clientSecret: plant("client secret"), refreshToken: plant("refresh token") },
    });
    expect((await call("POST", `/connections/${id}/check`)).body).toMatchObject({ status: "ok" });
    const sync = { entities: ["items"], destinationConfig: { schema: "canary_seven" } };
    expect(await run(id, sync)).toMatchObject({ status: "succeeded" });
    api.refusing = true;
    expect(await run(id, { ...sync, destinationConfig: { schema: "canary_eight" } })).toMatchObject({
      status: "failed",
      resultReasonCode: "source_rejected_request",
      error: expect.stringContaining("refused: Bearer ***"),
    });
    const key = await connect({
      provider: "http_api",
      config: {
        baseUrl: api.baseUrl,
        auth: { type: "api_key", in: "query", name: "key", keySecret: "key" },
        resources: [{ name: "items", path: "items", primaryKey: ["id"] }],
      },
      secrets: { key: plant("key in the query") },
    });
    expect((await call("POST", `/connections/${key}/check`)).body).toMatchObject({ status: "failed" });
  });

  it("are said by a source, and kept in records that are rejected, in every encoding", async () => {
    const token = plant("token that is said");
    const resources = Object.keys(ENCODINGS).flatMap((encoding, index) =>
      ["said", "kept"].map((path) => ({
        ...{ name: `${path}_${index}`, path, query: { encoding }, primaryKey: ["id"] },
        fields: { id: "bigint", amount: "bigint" },
      })),
    );
    const id = await connect({
      provider: "http_api",
      config: { baseUrl: api.baseUrl, auth: { type: "bearer", tokenSecret: "token" }, resources },
      secrets: { token },
    });
    expect((await call("POST", `/connections/${id}/check`)).body).toMatchObject({ status: "failed" });
    const entities = resources.map(({ name }) => name);
    const ended = await run(id, { entities, destinationConfig: { schema: "canary_encodings" } });
    const count = Object.keys(ENCODINGS).length;
    expect(ended.summary).toMatchObject({ rowsWritten: count, rowsRejected: count });
    for (const index of Object.keys(ENCODINGS).keys()) {
      expect(ended.summary.entities[`said_${index}`].error).toMatch(/refused: .*\*\*\*/);
    }
    const { rejectedRows } = (await call("GET", `/syncs/runs/${ended.id}/rejected-rows?limit=100`)).body;
    expect(rejectedRows).toHaveLength(count);
    for (const { record } of rejectedRows) expect(JSON.stringify(record)).toContain("***");
    await call("GET", `/syncs/runs/${ended.id}/events?limit=100`);
  });

  it("are refused where they do not belong, without being repeated", async () => {
    const secret = () => plant("misplaced");
    const config = { host: "127.0.0.1", database: "a", user: "b" };
    const connection = (more: Row) => ({
      name: "a",
      provider: "postgres",
      config,
      secrets: { password: "x" },
      ...more,
    });
    const refused: [number, string, string, unknown, Record<string, string>?][] = [
      [422, "POST", "/connections", connection({ secrets: { password: secret(), passwort: secret() } })],
      [422, "POST", "/connections", connection({ secrets: { password: [secret()] } })],
      [422, "POST", "/connections", connection({ secrets: { password: `${secret()}\u0000` } })],
      [422, "POST", "/connections", connection({ config: { ...config, password: secret() } })],
      [422, "POST", "/connections", connection({ password: secret() })],
      [422, "POST", "/connections", `{"secrets": {"password": "${secret()}`],
      [422, "POST", "/connections", connection({ provider: secret() })],
      [401, "GET", "/syncs", undefined, { "x-api-key": secret() }],
      [401, "GET", "/syncs", undefined, { "x-api-key": "", authorization: `Bearer ${secret()}` }],
      [401, "GET", "/syncs", undefined, { "x-api-key": "", cookie: `vai_token=${encodeURIComponent(secret())}` }],
      [422, "POST", "/connections", connection({ name: "" }), { "idempotency-key": randomUUID() }],
      [201, "POST", "/connections", connection({ secrets: { password: secret() } }), { "idempotency-key": "one" }],
      [422, "POST", "/connections", connection({ secrets: { password: secret() } }), { "idempotency-key": "one" }],
    ];
    for (const [status, method, path, body, headers] of refused) {
      const answer = await call(method, path, body, headers);
      expect([answer.status, JSON.stringify(answer.body)]).toEqual([status, expect.any(String)]);
    }
  });

  it("are in no answer of the API and in no line of a log", async () => {
    await call("GET", "/audit-events?limit=100");
    await call("GET", "/connections?limit=100");
    await call("GET", "/runs?limit=100");
    expect(answers.length).toBeGreaterThan(100);
    expect(answers.flatMap(canaries.findIn)).toEqual([]);
    expect(logLines.length).toBeGreaterThan(50);
    expect(logLines.flatMap(canaries.findIn)).toEqual([]);
    await worker.stop();
    expect(worker.lines.length).toBeGreaterThan(50);
    expect(worker.lines.flatMap((line) => canaries.findIn(line).map((found) => `${found}: ${line}`))).toEqual([]);
  });

  it("are in no row of the control database but sealed, and in none of the warehouse", async () => {
    const control = await dumpDatabase(world.controlUrl);
    expect(control.filter(({ table }) => table === "public.connections").length).toBeGreaterThan(8);
    const warehouse = await dumpDatabase(world.warehouseUrl);
    expect(warehouse.some(({ table }) => table.startsWith("_sluice."))).toBe(true);
    const found = [...control, ...warehouse].flatMap(({ table, text }) =>
      canaries.findIn(text).map((what) => `${table}: ${what}`),
    );
    expect(found).toEqual([]);
  });

  it("are in no workflow's history", async () => {
    const workflows = await dumpWorkflows(world);
    expect(workflows.length).toBeGreaterThan(20);
    const texts = workflows.map(({ text }) => text).join("\n");
    expect(texts).toContain("is not the password");
    expect(
      workflows.flatMap(({ workflowId, text }) => canaries.findIn(text).map((what) => `${workflowId}: ${what}`)),
    ).toEqual([]);
  });
});

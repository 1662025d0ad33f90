import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import { findConnection } from "../../db/connections.ts";
import { openSecrets } from "../../db/secrets.ts";
import { type Api, createApi, itemsOf, type Json, postgresConnection } from "./harness.ts";

const SECRET = "hunter2-canary";

let api: Api;
beforeAll(async () => {
  api = await createApi();
});
beforeEach(() => {
  api.control.answerCheck = async () => ({ ok: true, checks: [check("reach", true)], entities: [] });
});
afterAll(() => api.close());

function check(name: string, ok: boolean) {
  return { name, ok, message: ok ? "reached" : "refused", fix: ok ? "" : "Open the firewall." };
}

async function secretsOf(id: string): Promise<Record<string, string>> {
  const row = await findConnection(api.db, id);
  if (!row) throw new Error(`no connection ${id}`);
  return openSecrets(api.keyring, row);
}

describe("a new connection", () => {
  it("answers 201 with its place, the provider's defaults, and names of secrets only", async () => {
    const { status, headers, body } = await api.call("POST", "/connections", postgresConnection());
    expect(status).toBe(201);
    expect(headers.get("location")).toBe(`/api/v1/connections/${body.id}`);
    expect(body).toMatchObject({
      config: { host: "db.example.com", port: 5432, database: "shop", user: "reader" },
      secretKeys: ["password"],
      status: "unchecked",
      checks: [],
      lastCheckedAt: null,
      taskQueue: "sluice",
      createdBy: "user:local",
      updatedBy: "user:local",
    });
    expect((await api.call("GET", `/connections/${body.id}`)).body).toEqual(body);
  });

  it("keeps a secret from answers, logs and the database, where it is sealed", async () => {
    const { body } = await api.call("POST", "/connections", postgresConnection());
    const stored = await api.db
      .selectFrom("connections")
      .selectAll()
      .where("id", "=", body.id)
      .executeTakeFirstOrThrow();
    for (const place of [body, stored, api.logLines]) expect(JSON.stringify(place)).not.toContain(SECRET);
    expect(await secretsOf(body.id)).toEqual({ password: SECRET });
  });

  it("is refused where config or secrets are not what the provider asks for", async () => {
    const refused = await api.call("POST", "/connections", {
      name: "source",
      provider: "redo",
      config: { domain: "", password: SECRET },
      secrets: {},
    });
    expect(itemsOf(refused)).toEqual([
      '["body","config","domain"] string_too_short',
      '["body","config","password"] extra_forbidden',
    ]);
    expect(JSON.stringify(refused.body)).not.toContain(SECRET);
    const secrets = await api.call("POST", "/connections", {
      name: "source",
      provider: "redo",
      config: { domain: "a.example" },
      secrets: { tokken: SECRET },
    });
    expect(itemsOf(secrets)).toEqual([
      '["body","secrets","token"] missing',
      '["body","secrets","tokken"] extra_forbidden',
    ]);
  });

  it("of a provider without a connector is 404 provider_not_available", async () => {
    const { status, body } = await api.call("POST", "/connections", postgresConnection({ provider: "bullhorn" }));
    expect([status, body.code]).toEqual([404, "provider_not_available"]);
  });
});

describe("the list of connections", () => {
  it("is newest first, searched by name as text, and paged", async () => {
    const mark = randomUUID();
    const ids: string[] = [];
    for (const name of [`${mark} a%b`, `${mark} A_B`, `${mark} c`]) ids.unshift(await api.createConnection(name));
    const list = async (query: string) => (await api.call("GET", `/connections?q=${mark}${query}`)).body;
    expect((await list("")).connections.map((each: Json) => each.id)).toEqual(ids);
    expect(await list("&limit=2&offset=0")).toMatchObject({ total: 3, hasNext: true, limit: 2, offset: 0 });
    expect(await list("&limit=2&offset=2")).toMatchObject({ total: 3, hasNext: false });
    expect((await list(encodeURIComponent(" A%"))).connections.map((each: Json) => each.id)).toEqual([ids[2]]);
    expect((await list("&provider=redo")).total).toBe(0);
  });
});

describe("an edit", () => {
  it("replaces config whole, changes the secrets that are named, and leaves the connection unchecked", async () => {
    const { body: made } = await api.call("POST", "/connections", {
      name: "shop",
      provider: "redo",
      config: { domain: "a.example" },
      secrets: { token: "one", webhookKey: "two" },
    });
    await api.call("POST", `/connections/${made.id}/check`);
    const { status, body } = await api.call("PATCH", `/connections/${made.id}`, {
      config: { domain: "b.example" },
      secrets: { token: "three", webhookKey: null },
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      config: { domain: "b.example" },
      secretKeys: ["token"],
      status: "unchecked",
      checks: [],
    });
    expect(await secretsOf(made.id)).toEqual({ token: "three" });
  });

  it("can take away a secret that the config names no more", async () => {
    const resources = [{ name: "orders", path: "orders" }];
    const auth = { type: "bearer", tokenSecret: "old" };
    const { body: made } = await api.call("POST", "/connections", {
      name: "shop",
      provider: "http_api",
      config: { baseUrl: "https://api.test", auth, resources },
      secrets: { old: "one" },
    });
    await api.call("PATCH", `/connections/${made.id}`, { config: { baseUrl: "https://api.test", resources } });
    const { status, body } = await api.call("PATCH", `/connections/${made.id}`, { secrets: { old: null } });
    expect({ status, secretKeys: body.secretKeys }).toEqual({ status: 200, secretKeys: [] });
    expect(itemsOf(await api.call("PATCH", `/connections/${made.id}`, { secrets: { old: null } }))).toEqual([
      '["body","secrets","old"] extra_forbidden',
    ]);
  });

  it("of the name alone keeps what the check found", async () => {
    const id = await api.createConnection();
    await api.call("POST", `/connections/${id}/check`);
    const { body } = await api.call("PATCH", `/connections/${id}`, { name: "renamed" });
    expect(body).toMatchObject({ name: "renamed", status: "ok" });
  });

  it("cannot take a required secret away, nor change the provider", async () => {
    const id = await api.createConnection();
    expect(itemsOf(await api.call("PATCH", `/connections/${id}`, { secrets: { password: null } }))).toEqual([
      '["body","secrets","password"] missing',
    ]);
    expect(itemsOf(await api.call("PATCH", `/connections/${id}`, { provider: "redo" }))).toEqual([
      '["body","provider"] extra_forbidden',
    ]);
    expect(await secretsOf(id)).toEqual({ password: SECRET });
  });

  it("loses none of two that come at once", async () => {
    const { body: made } = await api.call("POST", "/connections", {
      name: "shop",
      provider: "redo",
      config: { domain: "a.example" },
      secrets: { token: "one" },
    });
    await Promise.all([
      api.call("PATCH", `/connections/${made.id}`, { secrets: { token: "two" } }),
      api.call("PATCH", `/connections/${made.id}`, { secrets: { webhookKey: "three" } }),
    ]);
    expect(await secretsOf(made.id)).toEqual({ token: "two", webhookKey: "three" });
  });
});

describe("a check", () => {
  it("records what a worker found", async () => {
    const id = await api.createConnection();
    api.control.answerCheck = async () => ({ ok: false, checks: [check("reach", false)], entities: [] });
    const { status, body } = await api.call("POST", `/connections/${id}/check`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: "failed",
      checks: [check("reach", false)],
      lastCheckedAt: expect.any(String),
    });
    expect(api.control.checked.at(-1)).toMatchObject({ connectionId: id, entities: [], useNextSecrets: false });
  });

  it.each([
    ["no_worker", 503],
    ["temporal_unavailable", 503],
    ["check_timeout", 504],
  ] as const)("that cannot be made is %s and records nothing", async (code, expected) => {
    const id = await api.createConnection();
    api.control.answerCheck = () => Promise.reject(new AppError(code, "No worker took it."));
    const { status, body } = await api.call("POST", `/connections/${id}/check`);
    expect([status, body.code]).toEqual([expected, code]);
    expect((await api.call("GET", `/connections/${id}`)).body).toMatchObject({
      status: "unchecked",
      lastCheckedAt: null,
    });
  });

  it("of settings that were edited meanwhile is not recorded", async () => {
    const id = await api.createConnection();
    api.control.answerCheck = async () => {
      await api.call("PATCH", `/connections/${id}`, { secrets: { password: "another" } });
      return { ok: true, checks: [check("reach", true)], entities: [] };
    };
    expect((await api.call("POST", `/connections/${id}/check`)).body).toMatchObject({
      status: "unchecked",
      checks: [],
    });
  });
});

describe("deleting a connection", () => {
  it("erases its secrets and is 404 from then on", async () => {
    const id = await api.createConnection();
    const deleted = await api.call("DELETE", `/connections/${id}`);
    expect([deleted.status, deleted.body]).toEqual([204, {}]);
    for (const [method, path] of [
      ["GET", ""],
      ["DELETE", ""],
      ["PATCH", ""],
      ["POST", "/check"],
    ] as const) {
      expect((await api.call(method, `/connections/${id}${path}`)).status, method).toBe(404);
    }
    const row = await api.db.selectFrom("connections").select("secrets").where("id", "=", id).executeTakeFirstOrThrow();
    expect(row.secrets).toEqual({});
  });

  it("is 409 naming the syncs, while one uses it", async () => {
    const connectionId = await api.createConnection();
    const sync = await api.createSync({ connectionId });
    const { status, body } = await api.call("DELETE", `/connections/${connectionId}`);
    expect([status, body.code, body.syncIds]).toEqual([409, "connection_in_use", [sync.id]]);
    await api.call("DELETE", `/syncs/${sync.id}`);
    expect((await api.call("DELETE", `/connections/${connectionId}`)).status).toBe(204);
  });

  it("and making a sync of it at once ends with one of the two", async () => {
    for (let turn = 0; turn < 10; turn++) {
      const connectionId = await api.createConnection();
      const [created, deleted] = await Promise.all([
        api.call("POST", "/syncs", { connectionId, name: "race" }),
        api.call("DELETE", `/connections/${connectionId}`),
      ]);
      expect([
        [201, 409],
        [422, 204],
      ]).toContainEqual([created.status, deleted.status]);
    }
  });
});

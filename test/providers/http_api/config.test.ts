import { describe, expect, it } from "vitest";
import { connectionSchema, secretsOf, sourceInstanceKey } from "../../../providers/http_api/config/connection.ts";

const orders = { name: "orders", path: "orders" };
const config = (more: object = {}, resource: object = {}) => ({
  baseUrl: "https://api.test/v2/",
  resources: [{ ...orders, ...resource }],
  ...more,
});

function issuesOf(given: object): string[] {
  const parsed = connectionSchema.safeParse(given);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

describe("the config of a connection", () => {
  it("needs little", () => {
    expect(issuesOf(config())).toEqual([]);
  });

  const incremental = { cursorField: "at", startParam: "since" };
  it.each([
    ["resources.0.parent", { path: "c/{parent.id}/orders" }],
    ["resources.0.parent.resource", { parent: { resource: "customers" } }],
    ["resources.0.parent.resource", { parent: { resource: "orders" } }],
    ["resources.0.incremental", { query: { q: "updated:>{start}" } }],
    ["resources.0.incremental.format", { incremental: { ...incremental, format: "YYYY-MM-DD" } }],
    ["resources.0.incremental.initial", { incremental: { ...incremental, endParam: "until", windowStep: "P1D" } }],
    [
      "resources.0.incremental.windowStep",
      { incremental: { ...incremental, initial: "2026-01-01", windowStep: "P1D" } },
    ],
    ["resources.0.incremental.windowStep", { incremental: { ...incremental, windowStep: "P1M" } }],
    ["resources.0.incremental.cursorField", { incremental: { ...incremental, cursorField: "list[*].at" } }],
    ["resources.0.primaryKey", { loadMode: "upsert" }],
    ["resources.0.primaryKey.0", { primaryKey: ["list[*].id"] }],
    ["resources.0.json", { json: {} }],
    ["resources.0.paginator.in", { paginator: { type: "cursor", nextPath: "next", param: "after", in: "body" } }],
    ["resources.0.errorRules.0", { errorRules: [{ action: "retry" }] }],
    ["resources.0.errorRules.0.equals", { errorRules: [{ action: "retry", status: 200, equals: 1 }] }],
    [
      "resources.0.errorRules.0.reasonCode",
      { errorRules: [{ action: "fail", status: 400, reasonCode: "internal_error" }] },
    ],
    ["resources.0.fields.a[*]", { fields: { "a[*]": "text" } }],
    ["resources.0.recordSelector", { recordSelector: "$..items" }],
    ["resources.0.name", { name: "a b" }],
    ["resources.0", { nonsense: 1 }],
  ])("says at %s what is wrong with %j", (at, resource) => {
    const issues = issuesOf(config({}, resource));
    expect(issues.map((issue) => issue.split(": ")[0])).toContain(at);
  });

  it.each([
    ["headers.Authorization", { headers: { Authorization: "Bearer t" } }],
    ["headers.cookie", { headers: { cookie: "session=1" } }],
    ["headers.Host", { headers: { Host: "internal.test" } }],
    ["headers.transfer-encoding", { headers: { "transfer-encoding": "chunked" } }],
    ["headers.x-note", { headers: { "x-note": "a\r\nx-other: b" } }],
    ["resources.0.headers.X-Api-Key", { resources: [{ ...orders, headers: { "X-Api-Key": "k" } }] }],
    ["baseUrl", { baseUrl: "https://user:password@api.test/" }],
    [
      "auth.tokenUrl",
      {
        auth: {
          type: "oauth2_client_credentials",
          tokenUrl: "https://u:p@id.test/token",
          clientId: "c",
          clientSecretSecret: "s",
        },
      },
    ],
  ])("takes nothing at %s that belongs in secrets, or to the client alone", (at, more) => {
    expect(issuesOf(config(more)).map((issue) => issue.split(": ")[0])).toEqual([at]);
  });

  it("finds parents that go round in a circle", () => {
    const resources = [
      { ...orders, name: "a", parent: { resource: "b" } },
      { ...orders, name: "b", parent: { resource: "a" } },
    ];
    expect(issuesOf(config({ resources }))).toEqual([
      "resources.0.parent.resource: Parents go round in a circle",
      "resources.1.parent.resource: Parents go round in a circle",
    ]);
  });

  it.each([
    [{ type: "none" }, []],
    [{ type: "bearer", tokenSecret: "token" }, ["token"]],
    [{ type: "basic", usernameSecret: "user", passwordSecret: "pass" }, ["user", "pass"]],
    [{ type: "api_key", name: "X-Key", keySecret: "key" }, ["key"]],
    [{ type: "headers", headerSecrets: { "X-A": "a", "X-B": "b" } }, ["a", "b"]],
    [
      {
        type: "oauth2_refresh",
        tokenUrl: "https://a.test/t",
        clientId: "c",
        clientSecretSecret: "s",
        refreshTokenSecret: "r",
      },
      ["s", "r"],
    ],
    [
      {
        ...{ type: "oauth2_client_assertion", tokenUrl: "https://a.test/t", clientId: "c" },
        ...{ algorithm: "PS256", privateKeySecret: "pem" },
      },
      ["pem"],
    ],
    [
      {
        ...{ type: "oauth2_jwt_bearer", tokenUrl: "https://a.test/t", issuer: "c" },
        ...{ algorithm: "RS256", privateKeySecret: "pem" },
      },
      ["pem"],
    ],
    [
      {
        ...{ type: "oauth1", consumerKey: "k", consumerSecretSecret: "cs" },
        ...{ tokenIdSecret: "t", tokenSecretSecret: "ts", realm: "123" },
      },
      ["cs", "t", "ts"],
    ],
    [
      {
        type: "session_login",
        url: "login",
        json: { user: "me" },
        bodySecrets: { password: "pw" },
        tokenPath: "token",
      },
      ["pw"],
    ],
  ])("names the secrets of %j", (auth, names) => {
    expect(Object.keys(secretsOf(connectionSchema.parse(config({ auth }))))).toEqual(names);
  });

  it.each([
    ["https://api.test/v2/", "api.test/v2"],
    ["https://api.test", "api.test"],
    ["http://127.0.0.1:8080/", "127.0.0.1:8080"],
  ])("%s is the instance %s", (baseUrl, instance) => {
    expect(sourceInstanceKey(connectionSchema.parse(config({ baseUrl })))).toBe(instance);
  });
});

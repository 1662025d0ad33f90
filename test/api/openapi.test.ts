import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RESULT_REASONS } from "../../core/result-reasons.ts";
import { type Api, createApi } from "./harness.ts";

let api: Api;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());

describe("the document", () => {
  it("is the committed one", async () => {
    const committed = await readFile(new URL("../../docs/openapi.json", import.meta.url), "utf8");
    const served = await api.send("GET", "/openapi.json", {});
    // `npx node scripts/openapi.ts` writes it anew.
    expect(served.body).toEqual(JSON.parse(committed));
  });

  it("gives every operation an id of its own, a summary and a tag", async () => {
    const { body } = await api.send("GET", "/openapi.json", {});
    const operations = Object.values(body.paths).flatMap((path) => Object.values(path as object));
    const ids = operations.map((operation) => operation.operationId);
    expect(new Set(ids).size).toBe(operations.length);
    for (const operation of operations) {
      expect(operation).toMatchObject({ summary: expect.any(String), tags: [expect.any(String)] });
    }
  });

  it("names every way to say who one is", async () => {
    const { body } = await api.send("GET", "/openapi.json", {});
    expect(body.components.securitySchemes).toEqual({
      apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
      bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
      cookie: { type: "apiKey", in: "cookie", name: "vai_token" },
    });
  });
});

describe("result reasons", () => {
  it("lists every code with who acts and what to do", async () => {
    const { body } = await api.call("GET", "/result-reasons");
    expect(body.resultReasons.map((reason: { code: string }) => reason.code)).toEqual(Object.keys(RESULT_REASONS));
    expect(body.resultReasons[0]).toEqual({
      code: "heartbeat_timeout",
      resultClass: "transient_failure",
      retryable: true,
      autoResume: "yes",
      actor: "nobody",
      meaning: RESULT_REASONS.heartbeat_timeout.meaning,
      fix: RESULT_REASONS.heartbeat_timeout.fix,
    });
  });
});

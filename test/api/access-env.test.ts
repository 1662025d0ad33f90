import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { isOpen } from "../../api/access.ts";
import { makeApiKey } from "../../api/api-keys.ts";
import { readApiEnv } from "../../api/env.ts";

const BASE = {
  DATABASE_URL: "postgres://sluice@127.0.0.1/sluice",
  SLUICE_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString("base64")}`,
};
const SECRET = "canary".repeat(6);
const ISSUER = { SLUICE_JWT_ISSUER: "https://id.example.com", SLUICE_JWT_AUDIENCE: "sluice" };
const JWKS = "https://id.example.com/.well-known/jwks.json";

function accessOf(given: Record<string, string>) {
  return readApiEnv({ ...BASE, ...given }).access;
}

describe("without any variable of its own", () => {
  it("the API is open, with empty ones too", () => {
    expect(isOpen(accessOf({}))).toBe(true);
    expect(isOpen(accessOf({ SLUICE_API_KEYS: "", SLUICE_JWT_SECRET: "", SLUICE_JWT_ISSUER: "" }))).toBe(true);
    expect(accessOf({}).requestsPerMinute).toBe(6_000);
  });
});

describe("with some", () => {
  it.each<[name: string, given: Record<string, string>]>([
    ["keys", { SLUICE_API_KEYS: makeApiKey("ci", "read").entry }],
    ["a secret", { SLUICE_JWT_SECRET: SECRET }],
    ["a secret, issuer and audience", { SLUICE_JWT_SECRET: SECRET, ...ISSUER }],
    ["an issuer's keys", { SLUICE_JWT_JWKS_URL: JWKS, ...ISSUER }],
    ["an issuer on this machine", { SLUICE_JWT_JWKS_URL: "http://127.0.0.1:9000/jwks", ...ISSUER }],
  ])("as %s, it is not open", (_name, given) => {
    expect(isOpen(accessOf(given))).toBe(false);
  });

  it("origins and the rate are read", () => {
    const given = {
      SLUICE_ALLOWED_ORIGINS: "https://a.example.com, http://localhost:5173",
      SLUICE_RATE_LIMIT_PER_MINUTE: "0",
    };
    const { allowedOrigins, requestsPerMinute } = accessOf(given);
    expect(allowedOrigins).toEqual(["https://a.example.com", "http://localhost:5173"]);
    expect(requestsPerMinute).toBe(0);
  });
});

describe("what is wrong", () => {
  it.each<[fault: string, given: Record<string, string>]>([
    ["SLUICE_API_KEYS: key 1 is not name:scope:sha256hex", { SLUICE_API_KEYS: "canary" }],
    ["SLUICE_JWT_SECRET: must have at least 32 bytes", { SLUICE_JWT_SECRET: "canary" }],
    [
      "SLUICE_JWT_JWKS_URL: must be an https:// URL",
      { SLUICE_JWT_JWKS_URL: "http://canary.example.com/jwks", ...ISSUER },
    ],
    ["SLUICE_JWT_JWKS_URL: must be an https:// URL", { SLUICE_JWT_JWKS_URL: "canary", ...ISSUER }],
    ["SLUICE_JWT_JWKS_URL needs SLUICE_JWT_ISSUER", { SLUICE_JWT_JWKS_URL: JWKS }],
    [
      "SLUICE_JWT_JWKS_URL and SLUICE_JWT_SECRET are both set",
      { SLUICE_JWT_JWKS_URL: JWKS, SLUICE_JWT_SECRET: SECRET, ...ISSUER },
    ],
    ["SLUICE_JWT_JWKS_URL or SLUICE_JWT_SECRET is missing", { SLUICE_JWT_ISSUER: "canary" }],
    ["SLUICE_ALLOWED_ORIGINS: must be origins", { SLUICE_ALLOWED_ORIGINS: "*" }],
    ["SLUICE_ALLOWED_ORIGINS: must be origins", { SLUICE_ALLOWED_ORIGINS: "https://canary.example.com/" }],
    ["SLUICE_ALLOWED_ORIGINS: must be origins", { SLUICE_ALLOWED_ORIGINS: "null" }],
    ["SLUICE_RATE_LIMIT_PER_MINUTE", { SLUICE_RATE_LIMIT_PER_MINUTE: "-1" }],
    ["SLUICE_RATE_LIMIT_PER_MINUTE", { SLUICE_RATE_LIMIT_PER_MINUTE: "canary" }],
  ])("is named, and no value: %s (%o)", (fault, given) => {
    expect(() => accessOf(given)).toThrow(fault);
    expect(() => accessOf(given)).not.toThrow("canary");
  });
});

import { describe, expect, it } from "vitest";
import { databaseUrl, readEnv } from "../../control/env.ts";
import { createCertificate } from "../support/certificate.ts";

const REQUIRED = { DATABASE_URL: "postgres://user:s3cret@db.example/sluice", SLUICE_ENCRYPTION_KEYS: "k1:s3cret" };
const { certificate, key } = createCertificate("localhost");

describe("the environment of both processes", () => {
  it("needs a database and keys; everything else has a default, and an empty variable is none", () => {
    const { env, temporal } = readEnv({}, { ...REQUIRED, TEMPORAL_ADDRESS: "", TEMPORAL_API_KEY: "", LOG_LEVEL: "" });
    expect(env).toMatchObject({ DATABASE_POOL_SIZE: 10, LOG_LEVEL: "info" });
    expect(temporal).toEqual({ address: "127.0.0.1:7233", namespace: "default", apiKey: undefined, tls: null });
  });

  it("an error names every variable that is missing or wrong, and no value", () => {
    const wrong = {
      DATABASE_URL: "mysql://s3cret",
      DATABASE_POOL_SIZE: "s3cret",
      LOG_LEVEL: "s3cret",
      WAREHOUSE_URL: "s3cret",
      TEMPORAL_ADDRESS: "http://s3cret:7233/",
      TEMPORAL_TLS: "s3cret",
      TEMPORAL_API_KEY: "s3cret\nmore",
      TEMPORAL_TLS_CLIENT_KEY_DATA: "s3cret",
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: "/nowhere/s3cret",
    };
    let message = "";
    try {
      readEnv({ WAREHOUSE_URL: databaseUrl() }, wrong);
    } catch (error) {
      message = error instanceof Error ? error.message : "";
    }
    for (const name of [...Object.keys(wrong), "SLUICE_ENCRYPTION_KEYS"]) expect(message).toContain(`${name}: `);
    expect(message).not.toContain("s3cret");
  });

  it.each([
    ["an API key that would travel unencrypted", { TEMPORAL_API_KEY: "k", TEMPORAL_TLS: "false" }, "TEMPORAL_TLS: "],
    [
      "a client certificate without its key",
      { TEMPORAL_TLS_CLIENT_CERT_DATA: certificate },
      "TEMPORAL_TLS_CLIENT_KEY_PATH: is missing",
    ],
    [
      "a key without its certificate",
      { TEMPORAL_TLS_CLIENT_KEY_DATA: key },
      "TEMPORAL_TLS_CLIENT_CERT_PATH: is missing",
    ],
    [
      "a certificate given twice",
      { TEMPORAL_TLS_SERVER_CA_CERT_DATA: certificate, TEMPORAL_TLS_SERVER_CA_CERT_PATH: "package.json" },
      "TEMPORAL_TLS_SERVER_CA_CERT_PATH: the file must hold a certificate in PEM",
    ],
    ["a key in the place of a certificate", { TEMPORAL_TLS_SERVER_CA_CERT_DATA: key }, "must be a certificate in PEM"],
  ])("refuses %s", (_what, variables, message) => {
    expect(() => readEnv({}, { ...REQUIRED, ...variables })).toThrow(message);
  });

  it.each(["prefer", "require", "verify-ca"])("refuses sslmode=%s, which says too little", (mode) => {
    const url = `${REQUIRED.DATABASE_URL}?sslmode=${mode}`;
    expect(() => readEnv({}, { ...REQUIRED, DATABASE_URL: url })).toThrow(`DATABASE_URL: sslmode=${mode} does not say`);
    const { env } = readEnv({}, { ...REQUIRED, DATABASE_URL: `${url}&uselibpqcompat=true` });
    expect(env.DATABASE_URL).toContain(mode);
  });

  it("refuses an authority whose file is not there", () => {
    const url = `${REQUIRED.DATABASE_URL}?sslmode=verify-full&sslrootcert=/nowhere/ca.pem`;
    expect(() => readEnv({}, { ...REQUIRED, DATABASE_URL: url })).toThrow("the file that sslrootcert names");
  });

  it("an API key turns TLS on", () => {
    expect(readEnv({}, { ...REQUIRED, TEMPORAL_API_KEY: "k" }).temporal).toMatchObject({ apiKey: "k", tls: true });
  });
});

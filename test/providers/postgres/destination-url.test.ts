import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findProvider } from "../../../providers/index.ts";
import { withClient } from "../../support/postgres.ts";
import { createPostgresSource, type PostgresSource } from "./postgres-source.ts";

describe("a Postgres connection as a destination", () => {
  let source: PostgresSource;
  const urlOf = (config: Record<string, unknown>, password: string) =>
    findProvider("postgres")?.destinationUrl?.({ config, secrets: { password } }) ?? "";

  beforeAll(async () => {
    source = await createPostgresSource("create table t (id int primary key)");
  });
  afterAll(() => source.close());

  it("has a URL that opens the same database as the same user, whatever its password is made of", async () => {
    const password = `p@ss/w:rd?#%25 ü'"\\`;
    const literal = `'${password.replaceAll("'", "''")}'`;
    await source.sql(`set standard_conforming_strings = on; alter role ${source.config.user} password ${literal}`);
    const rows = await withClient(urlOf(source.config, password), async (client) => {
      const result = await client.query("select current_user as user, current_database() as database");
      return result.rows;
    });
    expect(rows).toEqual([{ user: source.config.user, database: source.config.database }]);
  });

  it("keeps at least the safety of sslMode", () => {
    const modeOf = (sslMode: string) => new URL(urlOf({ ...source.config, sslMode }, "x")).searchParams.get("sslmode");
    expect(["disable", "require", "verify-ca", "verify-full"].map(modeOf)).toEqual([
      "disable",
      "no-verify",
      "verify-full",
      "verify-full",
    ]);
  });

  it("refuses an authority of its own rather than forgetting it", () => {
    expect(() => urlOf({ ...source.config, sslRootCert: "pem" }, "x")).toThrow(/sslRootCert.*cannot use yet/s);
  });
});

import pg from "pg";
import { describe, expect, test } from "vitest";
import { toDestinationError } from "../../destinations/errors.ts";
import { createPostgresDestination } from "../../destinations/postgres.ts";
import { claim, load, openWarehouse, prepareRequest, rowsBatch } from "./warehouse.ts";

function databaseError(code: string, message = "as Postgres says it"): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError(message, message.length, "error"), { code });
}

describe("an error of Postgres", () => {
  test.each([
    ["28P01", "TerminalError", "destination_auth_failed"],
    ["28000", "TerminalError", "destination_auth_failed"],
    ["42501", "TerminalError", "destination_permission_denied"],
    ["53100", "TerminalError", "destination_storage_full"],
    ["53400", "TerminalError", "destination_storage_full"],
    ["53200", "TransientError", "destination_unavailable"],
    ["25P03", "TransientError", "destination_unavailable"],
    ["25P04", "TransientError", "destination_timeout"],
    ["P0001", "TerminalError", "destination_constraint_violation"],
    ["53300", "TransientError", "destination_unavailable"],
    ["57P01", "TransientError", "destination_unavailable"],
    ["57P03", "TransientError", "destination_unavailable"],
    ["08006", "TransientError", "destination_unavailable"],
    ["25006", "TransientError", "destination_unavailable"],
    ["57014", "TransientError", "destination_timeout"],
    ["55P03", "TransientError", "destination_lock_conflict"],
    ["40P01", "TransientError", "destination_lock_conflict"],
    ["40001", "TransientError", "destination_lock_conflict"],
    ["23505", "TerminalError", "destination_constraint_violation"],
    ["23502", "TerminalError", "destination_constraint_violation"],
    ["22P02", "TerminalError", "destination_type_mismatch"],
    ["22003", "TerminalError", "destination_type_mismatch"],
    ["42P01", "TerminalError", "destination_schema_conflict"],
    ["42703", "TerminalError", "destination_schema_conflict"],
    ["2BP01", "TerminalError", "destination_schema_conflict"],
    ["3D000", "TerminalError", "config_invalid"],
    ["XX000", "TransientError", "destination_unavailable"],
    ["XX001", "TransientError", "destination_unavailable"],
    ["P0004", "TerminalError", "destination_constraint_violation"],
    ["26000", "TransientError", "destination_unavailable"],
    ["HV000", "TransientError", "destination_unavailable"],
    ["F0000", "TransientError", "destination_unavailable"],
    ["***", "TransientError", "destination_unavailable"],
  ])("%s is a %s with reason %s", (code, name, reasonCode) => {
    const cause = databaseError(code);
    expect(toDestinationError(cause, "loading x")).toMatchObject({ name, reasonCode, cause });
  });

  test("with a code of its own, raised in a function, is one of the destination's rules", () => {
    const where = "PL/pgSQL function shop.refuse() line 3 at RAISE";
    const cause = Object.assign(databaseError("AB123"), { where });
    expect(toDestinationError(cause, "loading x")).toMatchObject({ reasonCode: "destination_constraint_violation" });
  });

  test.each([
    { code: "23505", schema: "pg_catalog", table: "pg_class", constraint: "pg_class_relname_nsp_index" },
    { code: "XX000", message: "tuple concurrently updated" },
  ])("$code of the catalog says that two sessions met there, and passes", (raised) => {
    const cause = Object.assign(databaseError(raised.code), raised);
    expect(toDestinationError(cause, "loading x")).toMatchObject({ reasonCode: "destination_lock_conflict" });
  });

  test.each([
    ["ENOENT", "TransientError", "destination_unavailable"],
    ["ENOTDIR", "TransientError", "destination_unavailable"],
    ["EACCES", "TransientError", "destination_unavailable"],
    ["EAI_AGAIN", "TransientError", "destination_unavailable"],
    ["EPROTO", "TerminalError", "connection_unusable"],
    ["ERR_OSSL_PEM_NO_START_LINE", "TerminalError", "connection_unusable"],
    ["CERT_HAS_EXPIRED", "TerminalError", "connection_unusable"],
  ])("of the system, %s, is a %s with reason %s", (code, name, reasonCode) => {
    const cause = Object.assign(new Error("as the system says it"), { code });
    expect(toDestinationError(cause, "loading x")).toMatchObject({ name, reasonCode, cause });
  });

  test("that is a fault of our own statements stays what it is", () => {
    const error = databaseError("42601");
    expect(toDestinationError(error, "loading x")).toBe(error);
  });

  test("says what was done and what to do, in few words, and shows no value", () => {
    const error = databaseError("22P02", `invalid input syntax for type integer: "${"s3cret".repeat(100)}\n"`);
    const mapped = toDestinationError(error, "loading shop.orders");
    expect(mapped).toMatchObject({
      message:
        "Postgres destination, loading shop.orders: invalid input syntax for type integer (22P02). Retry with runMode full_refresh when the source's types have changed; otherwise correct the value at the source.",
    });
  });
});

describe("a destination that cannot be used", () => {
  test("because of a wrong password names the reason, never the password", async () => {
    const warehouse = await openWarehouse();
    const url = new URL(warehouse.url);
    url.password = "not-the-password";
    const refused = createPostgresDestination({ url: url.href }).ensureLedger();
    await expect(refused).rejects.toMatchObject({ name: "TerminalError", reasonCode: "destination_auth_failed" });
    await expect(refused).rejects.not.toThrow("not-the-password");
  });

  test("because nobody listens is transient, for every method", async () => {
    const destination = createPostgresDestination({ url: "postgres://nobody:hush@127.0.0.1:1/nowhere" });
    const request = prepareRequest();
    const rootRunId = request.chain.rootRunId;
    const attempts = await Promise.allSettled([
      destination.ensureLedger(),
      destination.prepareEntity(request),
      destination.fence({ rootRunId, minAttempt: 1 }),
      destination.readLedger(request.planId),
      destination.dropSuperseded({ rootRunId, keepPlanId: null }),
    ]);
    for (const attempt of attempts) {
      expect(attempt).toMatchObject({ reason: { name: "TransientError", reasonCode: "destination_unavailable" } });
    }
  });

  test("because its database is not there says so", async () => {
    const warehouse = await openWarehouse();
    const url = new URL(warehouse.url);
    url.pathname = "/no_such_database";
    const missing = createPostgresDestination({ url: url.href }).ensureLedger();
    await expect(missing).rejects.toMatchObject({ reasonCode: "config_invalid" });
  });

  test("because its role may create nothing says what to grant", async () => {
    const warehouse = await openWarehouse();
    await warehouse.query("drop schema _sluice cascade");
    const role = `reader_${Date.now()}`;
    await warehouse.query(`create role ${role} login password 'reader'`);
    const url = new URL(warehouse.url);
    url.username = role;
    url.password = "reader";
    const refused = createPostgresDestination({ url: url.href }).ensureLedger();
    await expect(refused).rejects.toMatchObject({ reasonCode: "destination_permission_denied" });
    await expect(refused).rejects.toThrow("Grant the destination's role `create` and `temporary` on database");
    await warehouse.query(`drop role ${role}`);
  });

  test("because the table was changed by hand is a schema conflict", async () => {
    const warehouse = await openWarehouse();
    const request = prepareRequest();
    const target = await warehouse.destination.prepareEntity(request);
    await warehouse.query("alter table shop.orders drop column note");
    await expect(load(warehouse, target, request, [["1", "a", null]])).rejects.toMatchObject({
      reasonCode: "destination_schema_conflict",
    });
    await warehouse.query("drop table shop.orders");
    await expect(load(warehouse, target, request, [["1", "a", null]])).rejects.toMatchObject({
      reasonCode: "destination_schema_conflict",
    });
  });

  test("because a statement takes too long is a timeout", async () => {
    const warehouse = await openWarehouse({ statementTimeoutMs: 300 });
    const request = prepareRequest();
    const target = await warehouse.destination.prepareEntity(request);
    const blocker = await warehouse.connect();
    await blocker.query("begin; lock table shop.orders");
    // A merge: a COPY has as long as its source takes.
    const writer = await claim(warehouse, target, request, { stage: 1 });
    await expect(writer.write(rowsBatch([["1", "a", null]]))).rejects.toMatchObject({
      name: "TransientError",
      reasonCode: "destination_timeout",
    });
  });

  test("because a user's constraint looks at more than the row says which", async () => {
    const warehouse = await openWarehouse();
    const request = prepareRequest();
    const target = await warehouse.destination.prepareEntity(request);
    await warehouse.query("create table shop.notes (note text primary key)");
    await warehouse.query("alter table shop.orders add constraint known_note foreign key (note) references shop.notes");
    const refused = load(warehouse, target, request, [["1", "secret", null]]);
    await expect(refused).rejects.toMatchObject({ reasonCode: "destination_constraint_violation" });
    await expect(refused).rejects.toThrow("known_note");
    await expect(refused).rejects.not.toThrow("secret");
  });

  test("because somebody else's column may not be empty says which", async () => {
    const warehouse = await openWarehouse();
    const request = prepareRequest();
    const target = await warehouse.destination.prepareEntity(request);
    await warehouse.query("alter table shop.orders add column owner text not null");
    const refused = load(warehouse, target, request, [["1", "a", null]]);
    await expect(refused).rejects.toMatchObject({
      reasonCode: "destination_constraint_violation",
      message: expect.stringContaining("owner"),
    });
  });
});

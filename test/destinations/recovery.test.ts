import { randomBytes } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import type { ReasonCode } from "../../core/result-reasons.ts";
import { claim, openWarehouse, prepareRequest, rowsBatch } from "./warehouse.ts";

/** What somebody does to a warehouse while it is being loaded, and how it is undone; `$leaf`, its `$name` and `$role` are put in. */
const MISHAPS: [what: string, reason: ReasonCode, does: string[], undoes: string[]][] = [
  [
    "its role may write no more",
    "destination_permission_denied",
    ["revoke insert on $leaf from $role"],
    ["grant insert on $leaf to $role"],
  ],
  [
    "its role may not even look at the ledger",
    "destination_permission_denied",
    ["revoke usage on schema _sluice from $role"],
    ["grant usage on schema _sluice to $role"],
  ],
  [
    "it takes no connections from its role",
    "destination_unavailable",
    [
      "alter role $role connection limit 0",
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = '$role'",
    ],
    ["alter role $role connection limit -1"],
  ],
  [
    "it becomes read-only, as a primary does that is a standby now",
    "destination_unavailable",
    [
      "create function refuse() returns trigger language plpgsql as $$ begin raise 'read only' using errcode = '25006'; end $$",
      "create trigger refuse before insert on $leaf for each row execute function refuse()",
    ],
    ["drop function refuse cascade"],
  ],
  [
    "a trigger of the user's refuses rows",
    "destination_constraint_violation",
    [
      "create function refuse() returns trigger language plpgsql as $$ begin raise 'not today'; end $$",
      "create trigger refuse before insert on $leaf for each row execute function refuse()",
    ],
    ["drop function refuse cascade"],
  ],
  [
    "somebody else's column may not be empty",
    "destination_constraint_violation",
    [
      "alter table shop.orders add column owner text not null default 'x'",
      "alter table shop.orders alter column owner drop default",
    ],
    ["alter table shop.orders alter column owner drop not null"],
  ],
  [
    "a column is gone",
    "destination_schema_conflict",
    ["alter table shop.orders rename column note to remark"],
    ["alter table shop.orders rename column remark to note"],
  ],
  [
    "the table is not where it was",
    "destination_schema_conflict",
    ["alter table $leaf rename to hidden"],
    ["alter table _sluice.hidden rename to $name"],
  ],
];

/** A warehouse that is loaded by a role with what the guide grants it, and nothing more. */
async function openAsRole() {
  const warehouse = await openWarehouse();
  const role = `loader_${randomBytes(6).toString("hex")}`;
  const url = new URL(warehouse.url);
  await warehouse.query("drop schema _sluice cascade");
  await warehouse.query(`create role ${role} login password 'loader'`);
  await warehouse.query(`grant connect, create, temporary on database "${url.pathname.slice(1)}" to ${role}`);
  onTestFinished(async () => {
    await warehouse.query(`drop owned by ${role} cascade`);
    await warehouse.query(`drop role ${role}`);
  });
  url.username = role;
  url.password = "loader";
  const destination = warehouse.reopen({ url: url.href });
  await destination.ensureLedger();
  return { ...warehouse, destination, role };
}

test.each(MISHAPS)(
  "when %s the load ends with %s, and goes on from its checkpoint once that is undone",
  async (_, reasonCode, does, undoes) => {
    const warehouse = await openAsRole();
    const request = prepareRequest();
    const target = await warehouse.destination.prepareEntity(request);
    const leaf = `${target.leafSchema}.${target.leafTable}`;
    const make = async (statements: string[]) => {
      for (const statement of statements) {
        await warehouse.query(
          statement.replaceAll("$leaf", leaf).replaceAll("$name", target.leafTable).replaceAll("$role", warehouse.role),
        );
      }
    };
    const batches = [1, 2, 3].map((id) =>
      rowsBatch([[String(id), "a", null]], { checkpoint: { after: id }, final: id === 3 }),
    );
    const goOn = async () => {
      const writer = await claim(warehouse, target, request);
      try {
        for (const batch of batches.slice(Number(writer.checkpoint?.after ?? 0))) {
          await writer.write(batch);
          if (batch === batches[0]) await make(does);
        }
      } finally {
        await writer.close();
      }
    };

    await expect(goOn()).rejects.toMatchObject({ reasonCode });
    // Another try finds it as it was, whether it gets as far as a batch or not.
    await expect(goOn()).rejects.toMatchObject({ reasonCode });
    await make(undoes);
    await goOn();
    expect(await warehouse.query("select id from shop.orders order by id")).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  },
);

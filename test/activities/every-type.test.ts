import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyBatches } from "../../activities/copy-batches.ts";
import type { LoadMode } from "../../core/vocabulary.ts";
import type { PrepareRequest } from "../../destinations/destination.ts";
import { isHidden, type LoadTarget } from "../../destinations/load-target.ts";
import type { EntityPlan, ReadRequest } from "../../providers/provider.ts";
import { createTypesTable, printRows, TYPES_TABLE } from "../../scripts/lib/every-type.ts";
import { claim, openWarehouse, prepareRequest, type Warehouse } from "../destinations/warehouse.ts";
import { createPostgresSource, type PostgresSource } from "../providers/postgres/postgres-source.ts";

const WIDE = "public.wide";

describe("from one Postgres into another", () => {
  let source: PostgresSource;

  beforeAll(async () => {
    source = await createPostgresSource("select");
    const [server] = await source.sql<{ major: number }>(
      "select current_setting('server_version_num')::int / 10000 as major",
    );
    for (const statement of createTypesTable(server?.major ?? 0)) await source.sql(statement);
    const wide = Array.from({ length: 1200 }, (_, n) => `"Ü ""${n}""" ${n % 2 === 0 ? "int" : "text"} default ${n}`);
    await source.sql(
      `create table ${WIDE} (id int primary key, ${wide.join(", ")}); insert into ${WIDE} values (1), (2)`,
    );
  });
  afterAll(() => source.close());

  test("the table of every type has every type that a column can have", async () => {
    const missing = await source.sql(
      `select typname from pg_type
       where typnamespace = 'pg_catalog'::regnamespace and typtype in ('b', 'r', 'm')
         and typname !~ '^_?(pg_(node_tree|ndistinct|dependencies|mcv_list|brin_.*)|gtsvector|cstring)$'
         -- Rows of the catalog's own tables.
         and not exists (select from pg_type element where element.oid = pg_type.typelem and element.typtype = 'c')
         and not exists (select from pg_attribute where attrelid = $1::regclass and atttypid = pg_type.oid)`,
      [TYPES_TABLE],
    );
    expect(missing).toEqual([]);
  });

  async function move(
    warehouse: Warehouse,
    plan: EntityPlan,
    { loadMode, complete = false, asText }: { loadMode: LoadMode; complete?: boolean; asText?: "all" },
  ): Promise<{ target: LoadTarget; rowsWritten: number; formats: Set<string> }> {
    const { columns, keyColumns, entityKey } = plan.spec;
    const request: PrepareRequest = prepareRequest({
      ...{ entityKey, table: "moved", columns, keyColumns, cursorField: null, loadMode, complete },
    });
    const target = await warehouse.destination.prepareEntity(request);
    const writer = await claim(warehouse, target, request);
    const formats = new Set<string>();
    let rowsWritten = 0;
    const read: Omit<ReadRequest, "checkpoint" | "copyFor"> = {
      ...{ spec: plan.spec, window: { by: "none" }, batchRows: 3, batchBytes: 2 ** 26 },
      ...(asText === undefined ? {} : { asText }),
    };
    await source.use((opened) => {
      const watched = {
        async *read(of: ReadRequest) {
          for await (const batch of opened.read(of)) {
            formats.add(batch.kind === "copy" ? batch.format : batch.kind);
            yield batch;
          }
        },
      };
      return copyBatches(watched, writer, read, {
        add: (moved) => {
          rowsWritten += moved.rowsWritten ?? 0;
        },
      });
    });
    await writer.close();
    if (!isHidden(target)) return { target, rowsWritten, formats };
    const { chain, planId } = request;
    const signal = new AbortController().signal;
    await warehouse.destination.finishEntity({ target, chain, planId, entityKey, runId: randomUUID(), signal });
    return { target, rowsWritten, formats };
  }

  const printed = async (query: PostgresSource["sql"], table: string, plan: EntityPlan) => {
    const names = plan.spec.columns.map(({ name }) => name);
    const rows = await query<{ cells: (string | null)[] }>(printRows(table, names));
    return rows.map(({ cells }) => Object.fromEntries(names.map((name, position) => [name, cells[position]])));
  };

  async function expectEqual(warehouse: Warehouse, table: string, plan: EntityPlan): Promise<void> {
    await warehouse.query("set timezone = 'UTC'");
    expect(await printed(warehouse.query, "shop.moved", plan)).toEqual(await printed(source.sql, table, plan));
  }

  test.each([TYPES_TABLE, WIDE])("%s arrives as it is, undecoded, as text, merged and swapped in", async (table) => {
    const warehouse = await openWarehouse();
    const plan = await source.plan({ entityKey: table, keyColumns: ["id"] });

    expect(await move(warehouse, plan, { loadMode: "upsert" })).toMatchObject({
      ...{
        target: { kind: "first_load", straight: true },
        formats: new Set(table === WIDE ? ["binary"] : ["binary", "text"]),
      },
    });
    await expectEqual(warehouse, table, plan);

    const again = await move(warehouse, plan, { loadMode: "upsert" });
    expect(again).toMatchObject({ target: { kind: "in_place" }, rowsWritten: 0 });
    // The other form is the same value: there is nothing to update.
    expect(await move(warehouse, plan, { loadMode: "upsert", asText: "all" })).toMatchObject({
      ...{ rowsWritten: 0, formats: new Set(["text"]) },
    });

    await warehouse.query("delete from shop.moved where id > 0");
    const merged = await move(warehouse, plan, { loadMode: "upsert" });
    expect(merged.rowsWritten).toBeGreaterThan(0);
    await expectEqual(warehouse, table, plan);

    expect(await move(warehouse, plan, { loadMode: "upsert", complete: true, asText: "all" })).toMatchObject({
      ...{ target: { kind: "beside" }, formats: new Set(["text"]) },
    });
    await expectEqual(warehouse, table, plan);
  });
});

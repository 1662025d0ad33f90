import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LoadMode, RunMode } from "../../core/vocabulary.ts";
import { createWorld, type Row, tableOf, trigger, type World, whenEnded } from "../support/world.ts";

const FILL = "select g, 'first ' || g, timestamptz '2026-01-01' + g * interval '1 day' from generate_series(1, 20) g";

/** A cursor tells which rows are new. It cannot, where the table itself is another one than before. */
describe("a source table that is another one than at the run before", () => {
  let world: World;
  let connectionId: string;

  beforeAll(async () => {
    world = await createWorld();
    connectionId = await world.createConnection();
    await world.startWorker();
  });
  afterAll(() => world.close());

  let tables = 0;
  const create = (name: string) =>
    `create table ${name} (id int primary key, note text, at timestamptz); insert into ${name} ${FILL}`;

  async function begin(loadMode: LoadMode, ddl = create): Promise<Row> {
    const name = `t${++tables}`;
    const entityKey = `public.${name}`;
    await world.source(ddl(name));
    const sync = await world.createSync({
      ...{ connectionId, entities: [entityKey], destinationConfig: { schema: name } },
      tableBindings: [{ entityKey, loadMode, cursorField: "at" }],
    });
    const run = async (runMode: RunMode = "incremental"): Promise<Row> =>
      whenEnded(world, (await trigger(world, sync.id, { runMode })).id);
    expect(await run()).toMatchObject({ status: "succeeded" });
    const where = loadMode === "scd2" ? "_is_current" : "true";
    const copied = () =>
      world.warehouse(`select id, note from ${tableOf(sync, entityKey)} where ${where} order by 1, 2`);
    const there = () => world.source(`select id, note from ${name} order by 1, 2`);
    return { name, run, copied, there };
  }

  const CHANGES = {
    "dropped and made again": (name: string) => `drop table ${name}; ${create(name)}`,
    "swapped by its loader": (name: string) =>
      `${create(`${name}_new`)}; alter table ${name} rename to ${name}_old; alter table ${name}_new rename to ${name}`,
    "truncated and filled again": (name: string) => `truncate ${name}; insert into ${name} ${FILL}`,
    "made again with one more column": (name: string) =>
      `drop table ${name}; ${create(name)}; alter table ${name} add more int`,
  };

  it.each(
    Object.keys(CHANGES).flatMap((change) =>
      (["upsert", "scd2", "delete_insert"] as const).map((mode) => [change, mode] as const),
    ),
  )("%s: %s reads all of it", async (change, mode) => {
    const { name, run, copied, there } = await begin(mode);
    const ddl = CHANGES[change as keyof typeof CHANGES](name).replaceAll("'first '", "'second '");
    await world.source(ddl);
    expect(await run()).toMatchObject({ status: "succeeded", resultReasonCode: null });
    expect(await copied()).toEqual(await there());
    expect(await run()).toMatchObject({ status: "succeeded", resultReasonCode: "no_new_data" });
  });

  it("a partition that is attached with old rows is read, one with new rows only is no reason to read the others", async () => {
    const { name, run, copied, there } = await begin(
      "upsert",
      (name) => `create table ${name} (id int, note text, at timestamptz, primary key (id, at)) partition by range (at);
        create table ${name}_1 partition of ${name} for values from ('2026-01-01') to ('2026-02-01');
        insert into ${name} ${FILL}`,
    );
    await world.source(
      `create table ${name}_2 partition of ${name} for values from ('2026-02-01') to ('2026-03-01');
       insert into ${name} values (100, 'new', '2026-02-01')`,
    );
    expect((await run()).summary).toMatchObject({ rowsRead: 1 });
    await world.source(
      `create table ${name}_0 (like ${name}); insert into ${name}_0 values (200, 'old', '2025-12-01');
       alter table ${name} attach partition ${name}_0 for values from ('2025-12-01') to ('2026-01-01')`,
    );
    expect(await run()).toMatchObject({ status: "succeeded", resultReasonCode: null });
    expect(await copied()).toEqual(await there());
  });

  it("an append_event goes on by no key that discovery found and the source has given up", async () => {
    const { name, run, copied, there } = await begin("append_event");
    await world.source(
      `alter table ${name} drop constraint ${name}_pkey; alter table ${name} add primary key (id, at);
       insert into ${name} values (1, 'another', '2026-06-01')`,
    );
    expect(await run()).toMatchObject({ status: "failed", resultReasonCode: "primary_key_missing" });
    expect(await copied()).toHaveLength(20);
    expect(await there()).toHaveLength(21);
  });

  it("a verify finds rows beyond the newest one of the source", async () => {
    const { name, run } = await begin("upsert");
    await world.source(`delete from ${name} where id = 20`);
    await run();
    expect(await run("verify")).toMatchObject({ status: "failed", resultReasonCode: "reconciliation_mismatch" });
    expect(await run("repair")).toMatchObject({ status: "succeeded" });
    expect(await run("verify")).toMatchObject({ status: "succeeded" });
  });
});

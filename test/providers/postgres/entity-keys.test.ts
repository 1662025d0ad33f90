import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPostgresSource, type PostgresSource } from "./postgres-source.ts";

const NAMES = [
  ['"a.b"."c"', '"a.b".c', "a.b.c"],
  ['"a"."b.c"', 'a."b.c"', "a.b.c"],
  ['"a"."b"', "a.b", "a.b"],
  ['"a"."B"', "a.B", "a.B"],
  ['"a"."b "', "a.b ", "a.b "],
  ['"a"."say ""hi"""', 'a."say ""hi"""', 'a.say "hi"'],
  ['"""a"""."b"', '"""a""".b', '"a".b'],
  ['"x.y"."only"', '"x.y".only', "x.y.only"],
  [`"a"."${"n".repeat(63)}"`, `a.${"n".repeat(63)}`, `a.${"n".repeat(63)}`],
  [`"a"."${".".repeat(63)}"`, `a."${".".repeat(63)}"`, `a.${".".repeat(63)}`],
] as const;

describe("entity keys of a Postgres source", () => {
  let source: PostgresSource;

  beforeAll(async () => {
    const schemas = ['"a.b"', '"a"', '"""a"""', '"x.y"'].map((schema) => `create schema ${schema};`);
    const tables = NAMES.map(
      ([sql], n) =>
        `create table ${sql} (id int primary key, c${n} text); insert into ${sql} values (${n}, 'of ${n}');`,
    );
    source = await createPostgresSource([...schemas, ...tables].join("\n"));
    await source.sql(`alter table "x.y".only add foreign key (id) references "a.b".c not valid`);
    await source.sql(`alter table "a"."b" add foreign key (id) references "x.y".only not valid`);
  });
  afterAll(() => source.close());

  it("are different for different tables, and plain where no name has a dot or a quote", async () => {
    const entities = await source.use((opened) => opened.discover(null));
    expect(entities.map(({ entityKey }) => entityKey).sort()).toEqual(NAMES.map(([, key]) => key).sort());
  });

  it.each(NAMES.map(([, key], n) => [key, n]))("%s gives the rows and columns of its own table", async (key, n) => {
    const [entity, ...others] = await source.use((opened) => opened.discover([key]));
    expect(others).toEqual([]);
    expect(entity?.columns.map(({ name }) => name)).toEqual(["id", `c${n}`]);
    const plan = await source.plan({ entityKey: key, keyColumns: ["id"] });
    expect(await source.readAll(plan)).toEqual([`(${n},"of ${n}")`]);
  });

  it("accepts the key of an earlier version where one table has it, and keeps that spelling for the sync", async () => {
    const [entity] = await source.use((opened) => opened.discover(["x.y.only"]));
    expect(entity).toMatchObject({ entityKey: "x.y.only", dependsOn: ['"a.b".c'] });
    expect(entity?.failure).toBeUndefined();
    const plan = await source.plan({ entityKey: "x.y.only", keyColumns: ["id"] });
    expect(plan.spec.entityKey).toBe("x.y.only");
    expect(await source.readAll(plan)).toEqual(['(7,"of 7")']);
    const both = await source.use((opened) => opened.discover(["a.b", "x.y.only"]));
    expect(both.find(({ entityKey }) => entityKey === "a.b")?.dependsOn).toEqual(["x.y.only"]);
  });

  it("refuses the key of an earlier version that two tables share, names both, and lets others be", async () => {
    const [plain, ambiguous] = await source.use((opened) => opened.discover(["a.b.c", "a.b"]));
    expect(ambiguous).toMatchObject({ entityKey: "a.b.c", failure: { reasonCode: "config_invalid" } });
    expect(ambiguous?.failure?.message).toContain('"a.b".c and a."b.c"');
    expect(plain).toMatchObject({ entityKey: "a.b" });
    expect(plain?.failure).toBeUndefined();
    await expect(source.plan({ entityKey: "a.b.c" })).rejects.toThrow('"a.b".c and a."b.c"');
  });
});

import { describe, expect, test } from "vitest";
import { widens, widensInPlace } from "../../destinations/tables/column-types.ts";
import { load, openWarehouse, prepareRequest } from "./warehouse.ts";

/** Type, wider type, and values whose text says the same number, time or text in both. */
const WIDENINGS: [from: string, to: string, values: string[]][] = [
  ["smallint", "integer", ["-32768"]],
  ["integer", "bigint", ["2147483647"]],
  ["bigint", "numeric(19,0)", ["-9223372036854775808"]],
  ["smallint", "real", ["32767"]],
  ["integer", "double precision", ["2147483647"]],
  ["real", "double precision", ["0.5"]],
  ["numeric(5,0)", "numeric(10,0)", ["99999"]],
  ["numeric(5,2)", "numeric(9,4)", ["999.99"]],
  ["numeric(5,2)", "numeric", ["-999.99"]],
  ["character(10)", "character(20)", ["ab", "ab   c"]],
  ["character(10)", "character varying(10)", ["ab", "  ab"]],
  ["character(10)", "text", ["ab", ""]],
  ["character varying(10)", "character varying(20)", ["ab  "]],
  ["character varying(10)", "text", ["ab  "]],
  ["text", "character varying", ["ab  "]],
  ["bit(3)", "bit varying(5)", ["101"]],
  ["bit varying(3)", "bit varying(5)", ["10"]],
  ["bit varying(3)", "bit varying", ["1"]],
  ["timestamp(0) without time zone", "timestamp(3) without time zone", ["2026-01-01 00:00:01"]],
  ["timestamp(3) with time zone", "timestamp with time zone", ["2026-01-01 00:00:00.125+00"]],
  ["timestamp without time zone", "timestamp(6) without time zone", ["2026-01-01 00:00:00.123456"]],
  ["time(0) without time zone", "time(3) without time zone", ["23:59:59"]],
  ["time(3) with time zone", "time with time zone", ["23:59:59.125+02"]],
  ["interval(0)", "interval(3)", ["1 day 00:00:01"]],
  ["interval day to second(3)", "interval", ["1 day 00:00:01.125"]],
  ["interval year to month", "interval", ["1 year 2 mons"]],
  ["cidr", "inet", ["10.0.0.0/8"]],
  ["integer[]", "bigint[]", ["{1,NULL}"]],
  ["numeric(5,2)[]", "numeric(9,4)[]", ["{1.25}"]],
  ["character varying(3)[]", "text[]", ["{ab}"]],
];

const NARROWINGS: [from: string, to: string][] = [
  ["bigint", "integer"],
  ["bigint", "numeric(18,0)"],
  ["integer", "real"],
  ["bigint", "double precision"],
  ["numeric(5,2)", "numeric(5,3)"],
  ["numeric", "numeric(1000,500)"],
  ["character(10)", "character(9)"],
  ["character varying(10)", "character(20)"],
  ["text", "character varying(20)"],
  ["bit(3)", "bit(5)"],
  ["timestamp without time zone", "timestamp(3) without time zone"],
  ["timestamp(3) without time zone", "timestamp with time zone"],
  ["interval", "interval(3)"],
  ["interval", "interval day to second"],
  ["inet", "cidr"],
  ["integer[]", "bigint"],
  ["integer", "bigint[]"],
  ["bigint[]", "integer[]"],
];

describe("a type", () => {
  test.each(NARROWINGS)("%s does not widen to %s", (from, to) => {
    expect([widens(from, to), widensInPlace(from, to)]).toEqual([false, false]);
  });

  test("that widens does so in a table as it stands, with every value", async () => {
    const warehouse = await openWarehouse();
    const columnsAs = (side: 0 | 1) => [
      { name: "id", type: "integer", nullable: false },
      ...WIDENINGS.map((widening, n) => ({ name: `c${n}`, type: widening[side], nullable: true })),
    ];
    const names = columnsAs(0).map(({ name }) => name);
    const first = prepareRequest({ columns: columnsAs(0), cursorField: null });
    const rows = ["0", "1"].map((id, row) => [id, ...WIDENINGS.map(([, , values]) => values[row] ?? null)]);
    await load(warehouse, await warehouse.destination.prepareEntity(first), first, rows, { columns: names });
    const expected = WIDENINGS.map(([, to], n) => `c${n}::${to}::text as c${n}`).join(", ");
    const shown = WIDENINGS.map((_, n) => `c${n}::text as c${n}`).join(", ");
    const before = await warehouse.query(`select ${expected} from shop.orders order by id`);

    const next = prepareRequest({ columns: columnsAs(1), cursorField: null });
    await warehouse.destination.prepareEntity(next);
    const types = await warehouse.query<{ type: string }>(
      `select format_type(atttypid, atttypmod) as type from pg_attribute
       where attrelid = 'shop.orders'::regclass and attname ~ '^c\\d' order by attnum`,
    );
    // Types that hold each other's values stay.
    const wanted = WIDENINGS.map(([from, to]) => (widens(to, from) ? from : to));
    expect(types.map(({ type }) => type)).toEqual(wanted);
    expect(await warehouse.query(`select ${shown} from shop.orders order by id`)).toEqual(before);
  });

  test.each(WIDENINGS.filter(([from, to]) => widensInPlace(from, to)))(
    "%s widens to %s without the table being written again",
    async (from, to, [value]) => {
      const warehouse = await openWarehouse();
      await warehouse.query(`create table t (c ${from})`);
      await warehouse.query("insert into t values ($1)", [value]);
      const fileOf = () => warehouse.query("select pg_relation_filenode('t') as file");
      const before = await fileOf();
      await warehouse.query(`alter table t alter column c type ${to}`);
      expect(await fileOf()).toEqual(before);
    },
  );
});

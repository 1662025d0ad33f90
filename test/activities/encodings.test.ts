import { escapeLiteral } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copyBatches } from "../../activities/copy-batches.ts";
import { type Digest, hashText, isInPart, rowText } from "../../core/digests.ts";
import type { EntityReadSpec } from "../../providers/provider.ts";
import { claim, openWarehouse, prepareRequest } from "../destinations/warehouse.ts";
import { createPostgresSource, type PostgresSource } from "../providers/postgres/postgres-source.ts";

/** SQL: a text of bytes that are no UTF-8. */
const bytes = (hex: string) => `convert_from('\\x${hex}', 'SQL_ASCII')`;

/** As a run does, in small pages. */
async function move(source: PostgresSource, entityKey: string) {
  const warehouse = await openWarehouse();
  const plan = await source.plan({ entityKey, keyColumns: ["id"], windows: true, windowSize: "100" });
  const { columns, keyColumns } = plan.spec;
  const request = prepareRequest({ entityKey, table: "moved", columns, keyColumns, cursorField: null });
  const target = await warehouse.destination.prepareEntity(request);
  for (const [sliceNo, { window }] of plan.slices.entries()) {
    const writer = await claim(warehouse, target, request, { sliceNo, window });
    const read = { spec: plan.spec, window, batchRows: 50, batchBytes: 2 ** 26 };
    await source.use((opened) => copyBatches(opened, writer, read, { add: () => undefined }));
    await writer.close();
  }
  const rejects = await warehouse.destination.readRejects({ planId: request.planId, limit: 1000, recordBytes: 1000 });
  const rows = await warehouse.query<{ id: string; text: string }>(
    `select id::text, encode(convert_to((to_jsonb(t) ->> ${escapeLiteral(columns.at(-1)?.name ?? "")}), 'UTF8'), 'hex') as text
     from shop.moved t order by t.id`,
  );
  return { rejects, rows: rows.map(({ id, text }) => `${id} ${text}`), count: rows.length };
}

describe("a source database that takes text of any bytes (SQL_ASCII)", () => {
  let source: PostgresSource;
  beforeAll(async () => {
    source = await createPostgresSource(
      `create table notes (id int primary key, note text);
       insert into notes values (1, 'plain'), (2, ${bytes("636166e9")}), (3, ${bytes("c3a9")});
       create table keyed (id text primary key, n int);
       insert into keyed select 'k' || n, n from generate_series(1, 500) n;
       insert into keyed values (${bytes("e9")}, 501), (${bytes("ea")}, 502), (${bytes("efbfbd")}, 503), (${bytes("f0")}, 504), (${bytes("c3a9")}, 505);
       do $$ begin
         execute format('create type mood as enum (''ok'', %L)', ${bytes("e9")});
         execute format('create table moods (id int primary key, mood mood); insert into moods values (1, ''ok''), (2, %L)', ${bytes("e9")});
         execute format('create table columns_misnamed (id int primary key, %I text)', ${bytes("e9")});
         execute format('create table %I (id int primary key)', ${bytes("74e9")});
         execute format('comment on table notes is %L', ${bytes("e9")});
       end $$;`,
      "SQL_ASCII",
    );
  });
  afterAll(() => source.close());

  it("loses no row but the one that is no UTF-8, and says which column is at fault", async () => {
    const { rejects, count } = await move(source, "public.notes");
    expect(count).toBe(2);
    expect(rejects).toMatchObject([{ column: "note", reason: "text that is not UTF-8" }]);
    expect(JSON.parse(rejects[0]?.record ?? "")).toEqual({ id: "2", note: "\\x636166e9" });
  });

  it("rejects the row of an enum label that is no UTF-8", async () => {
    const { rejects, count } = await move(source, "public.moods");
    expect(count).toBe(1);
    expect(rejects).toMatchObject([{ column: "mood", reason: "text that is not UTF-8" }]);
  });

  it("reads each row once by a key of text, although bounds of such bytes cannot be passed back", async () => {
    const { rejects, count } = await move(source, "public.keyed");
    expect(count).toBe(502);
    expect(rejects.map(({ column }) => column)).toEqual(["id", "id", "id"]);
  });

  it("lists tables whose names are no UTF-8 as such, and reads the others", async () => {
    const found = await source.use((opened) => opened.discover(null));
    const failed = found.filter(({ failure }) => failure !== undefined);
    expect(failed.map(({ entityKey }) => entityKey).sort()).toEqual(["public.columns_misnamed", "public.t\uFFFD"]);
    expect(failed.map(({ failure }) => failure?.message)).toEqual(
      Array(2).fill(expect.stringMatching(/not UTF-8.*Rename it/)),
    );
    expect(found.find(({ entityKey }) => entityKey === "public.notes")?.description).toContain("Table.");
    await expect(source.plan({ entityKey: "public.columns_misnamed" })).rejects.toThrow(/not UTF-8/);
  });
});

/** SQL: rows of a table of (id, text), one for every text of these bytes that the database takes. */
const SINGLE_BYTES = "select decode(lpad(to_hex(n), 2, '0'), 'hex') as bytes from generate_series(128, 255) n";
/** Some of the many, of two and three bytes. */
const SEVERAL_BYTES = `
  select decode(lpad(to_hex(n), 4, '0'), 'hex') as bytes from generate_series(41377, 65278, 37) n
  union all select decode(lpad(to_hex(n), 6, '0'), 'hex') from generate_series(9413025, 9436926, 37) n
  union all select decode(lpad(to_hex(n::bigint), 8, '0'), 'hex') from generate_series(2393022881, 2393046782, 37) n`;

const SINGLE_BYTE_ENCODINGS = [
  ...["LATIN1", "LATIN2", "LATIN3", "LATIN4", "LATIN5", "LATIN6", "LATIN7", "LATIN8", "LATIN9", "LATIN10"],
  ...["WIN1250", "WIN1251", "WIN1252", "WIN1253", "WIN1254", "WIN1255", "WIN1256", "WIN1257", "WIN1258", "WIN866"],
  ...["WIN874", "KOI8R", "KOI8U", "ISO_8859_5", "ISO_8859_6", "ISO_8859_7", "ISO_8859_8"],
];

describe("a source database whose encoding has text that UTF-8 has no equivalent of", () => {
  const everyText = (bytes: string): string => `
    create table every (id int primary key, text text);
    create function pg_temp.insert_texts() returns void language plpgsql as $$
    declare given record;
    begin
      for given in select row_number() over () as id, bytes from (${bytes}) as all_bytes loop
        begin
          insert into every values (given.id, E'a\\t\\\\n' || convert_from(given.bytes, getdatabaseencoding()) || 'z');
        exception when others then
          continue;
        end;
      end loop;
    end $$;
    select pg_temp.insert_texts();`;

  /** What the server itself converts, row by row. */
  async function expectServersConversion(source: PostgresSource): Promise<number> {
    await source.sql(
      `create function to_utf8(text) returns text language plpgsql as $$
       begin
         return encode(convert_to($1, 'UTF8'), 'hex');
       exception when untranslatable_character then
         return null;
       end $$`,
    );
    const wanted = await source.sql<{ id: number; text: string | null }>(
      "select id, to_utf8(text) as text from every order by id",
    );
    const { rows, rejects } = await move(source, "public.every");
    expect(rows).toEqual(wanted.flatMap(({ id, text }) => (text === null ? [] : [`${id} ${text}`])));
    const refused = wanted.filter(({ text }) => text === null).map(({ id }) => id);
    expect(rejects.map(({ record }) => Number(JSON.parse(record).id)).sort((a, b) => a - b)).toEqual(refused);
    return refused.length;
  }

  it.each(SINGLE_BYTE_ENCODINGS)(
    "%s: each text arrives as the server converts it, and only the others are rejected",
    async (encoding) => {
      const source = await createPostgresSource(everyText(SINGLE_BYTES), encoding);
      try {
        await expectServersConversion(source);
      } finally {
        await source.close();
      }
    },
  );

  it.each(["EUC_JP", "EUC_CN", "EUC_KR", "EUC_TW", "EUC_JIS_2004"])(
    "%s: each text arrives as the server converts it, and only the others are rejected",
    async (encoding) => {
      const source = await createPostgresSource(everyText(SEVERAL_BYTES), encoding);
      try {
        expect(await expectServersConversion(source)).toBeGreaterThan(10);
      } finally {
        await source.close();
      }
    },
  );

  describe("WIN1252", () => {
    let source: PostgresSource;
    /** SQL: what it has no character for. */
    const odd = (before: string) => `('${before}' || chr(129))`;
    beforeAll(async () => {
      source = await createPostgresSource(
        `create table keyed (id text primary key, "größe" int);
         insert into keyed select 'é' || n, n from generate_series(1, 500) n;
         insert into keyed select 'é' || n || chr(129) || chr(141), n from generate_series(1, 500, 7) n;
         create table parent (id int primary key);
         create table child (id int primary key references parent, note text);
         do $$ begin
           execute format('create type mood as enum (''ok'', %L)', ${odd("x")});
           execute format('create table moods (id int primary key, mood mood); insert into moods values (1, ''ok''), (2, %L)', ${odd("x")});
           execute format('create table columns_misnamed (id int primary key, %I text)', ${odd("x")});
           execute format('create type %I as enum (''ok'')', ${odd("t")});
           execute format('create table types_misnamed (id int primary key, v %I)', ${odd("t")});
           execute format('create table %I (id int primary key)', ${odd("tablé")});
           execute format('alter table child add foreign key (id) references %I', ${odd("tablé")});
           execute format('comment on table keyed is %L', ${odd("clés")});
           execute format('create view shown as select id, note from child where note <> %L', ${odd("x")});
         end $$;`,
        "WIN1252",
      );
    });
    afterAll(() => source.close());

    it("reads each row once by a key of text, of which some cannot be passed back as bounds", async () => {
      const { rejects, count } = await move(source, "public.keyed");
      expect(count).toBe(500);
      expect(rejects).toHaveLength(72);
      expect(rejects[0]).toMatchObject({ column: "id", reason: "text of WIN1252 that UTF-8 has no equivalent of" });
      const records = rejects.map(({ record }) => JSON.parse(record));
      expect(records).toContainEqual({ id: "\\xe931818d", größe: "1" });
    });

    it("rejects the row of an enum label", async () => {
      const { rejects, count } = await move(source, "public.moods");
      expect(count).toBe(1);
      expect(rejects).toMatchObject([{ column: "mood" }]);
    });

    it("tells of names that no statement can spell, and reads what has them only in a comment, a reference or a constant", async () => {
      const found = await source.use((opened) => opened.discover(null));
      const failed = found.filter(({ failure }) => failure !== undefined).map(({ entityKey }) => entityKey);
      expect(failed).toEqual(["public.columns_misnamed", "public.tabl\uFFFD", "public.types_misnamed"]);
      const keyed = found.find(({ entityKey }) => entityKey === "public.keyed");
      expect(keyed).toMatchObject({ description: "Table. clés\uFFFD", columns: [{ name: "id" }, { name: "größe" }] });
      await expect(source.plan({ entityKey: "public.columns_misnamed" })).rejects.toThrow(/no equivalent.*Rename it/);
      const asked = ["public.child", "public.keyed", "public.shown", "public.日本", "public.types_misnamed"];
      const probed = await source.use((opened) => opened.discover(asked));
      expect(probed.map(({ entityKey, failure }) => [entityKey, failure?.reasonCode])).toEqual([
        ["public.child", undefined],
        ["public.keyed", undefined],
        ["public.shown", undefined],
        ["public.types_misnamed", "config_invalid"],
      ]);
    });

    it("says of a window how many rows it has, and the same of those that a destination can have as that one", async () => {
      const destination = await openWarehouse();
      await destination.query("create table copied (id text, size int)");
      await destination.query("insert into copied select 'é' || n, n from generate_series(1, 500) n");
      const columns = [
        { name: "id", type: "text", cast: null },
        { name: "größe", type: "integer", cast: null },
      ];
      const digests = async (spec: EntityReadSpec) => {
        const parts = [0, 1, 2, 3].map((part) => ({
          ...{ by: "hash" as const, columns: [{ name: "id", cast: null }], hash: "md5" as const },
          ...{ part, parts: 4 },
        }));
        const comparison = { columns, hash: "md5" as const, settled: null };
        return source.use(async (opened) => {
          const found: (Digest | undefined)[] = [];
          for (const window of parts) found.push(await opened.comparison?.digest({ spec, window, comparison }));
          return found.map((each) => ({ rows: each?.rows, checksum: each?.checksum }));
        });
      };
      const there: Digest[] = [];
      for (const part of [0, 1, 2, 3]) {
        const [row] = await destination.query<{ rows: string; checksum: string }>(
          `select count(*) as rows, coalesce(sum(${hashText(rowText(["id", "size"]), "md5")}), 0)::text as checksum
           from copied where ${isInPart(rowText(["id"]), { hash: "md5", part, parts: 4 })}`,
        );
        there.push({ rows: Number(row?.rows), checksum: row?.checksum ?? "" });
      }
      const { spec } = await source.plan({ entityKey: "public.keyed", keyColumns: ["id"] });
      const [first, ...others] = await digests(spec);
      expect(others).toEqual(there.slice(1));
      expect(first?.rows).toBe((there[0]?.rows ?? 0) + 72);
      await source.sql("delete from keyed where id like '%' || chr(141)");
      expect(await digests(spec)).toEqual(there);
    });
  });

  it("EUC_JP: a text key that is two at the source and one in UTF-8 is told, and no row goes", async () => {
    const twin = (hex: string) => `convert_from('\\x${hex}', 'EUC_JP')`;
    const source = await createPostgresSource(
      `create table keyed (id text primary key, n int);
       insert into keyed values ('a', 1), (${twin("adf0")}, 2), ('b', 3), ('c', 4)`,
      "EUC_JP",
    );
    try {
      expect((await move(source, "public.keyed")).count).toBe(4);
      await source.sql(`insert into keyed values (${twin("a2e2")}, 5)`);
      await expect(source.plan({ entityKey: "public.keyed", keyColumns: ["id"] })).rejects.toMatchObject({
        reasonCode: "primary_key_missing",
        message: expect.stringContaining("of EUC_JP become the same one in UTF-8"),
      });
    } finally {
      await source.close();
    }
  });

  it("MULE_INTERNAL, which Postgres cannot convert to UTF-8: what is ASCII arrives, the rest is rejected", async () => {
    const source = await createPostgresSource("create table notes (id int primary key, note text)", "MULE_INTERNAL");
    try {
      await source.sql("insert into notes values (1, 'plain'), (2, 'caf' || convert_from('\\x81e9', 'MULE_INTERNAL'))");
      const { rejects, count } = await move(source, "public.notes");
      expect(count).toBe(1);
      expect(rejects).toMatchObject([{ column: "note", reason: "text that is not UTF-8" }]);
      expect(await source.use((opened) => opened.check())).not.toContainEqual(expect.objectContaining({ ok: false }));
    } finally {
      await source.close();
    }
  });
});

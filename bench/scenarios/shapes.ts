import type { Bench } from "../lib/bench.ts";
import { racePipe } from "../lib/race-pipe.ts";
import type { Outcome } from "../lib/samples.ts";

interface Shape {
  title: string;
  /** Of the rows that were asked for. */
  share: number;
  /** Statements that make `public.shape` with `$rows` rows. */
  make: string[];
}

const wideColumns = Array.from({ length: 99 }, (_, i) => `c${i}`);

/** Text that does not compress: hashes of the row's number, in pieces of 32 characters. */
const hashes = (pieces: number) =>
  `(select string_agg(md5(i::text || '-' || n), '') from generate_series(1, ${pieces}) n)`;

/** By the name on the command line. */
const SHAPES: Record<string, Shape> = {
  narrow: {
    title: "Narrow: two integers",
    share: 2,
    make: [
      "create table shape (id int primary key, value int)",
      "insert into shape select i, i * 7 % 1000 from generate_series(1, $rows) i",
    ],
  },
  wide: {
    title: "Wide: 100 columns",
    share: 0.1,
    make: [
      `create table shape (id bigint primary key, ${wideColumns.map((name, i) => `${name} ${["int", "text", "numeric", "timestamptz"][i % 4]}`).join(", ")})`,
      `insert into shape select i, ${wideColumns.map((_, i) => ["i", "md5(i::text)", "i / 7.0", "timestamptz '2025-01-01 00:00:00+00' + i * interval '1 second'"][i % 4]).join(", ")} from generate_series(1, $rows) i`,
    ],
  },
  toast: {
    title: "Long text: 20 kB a row",
    share: 0.005,
    make: [
      "create table shape (id bigint primary key, body text)",
      `insert into shape select i, ${hashes(640)} from generate_series(1, $rows) i`,
    ],
  },
  partitioned: {
    title: "A partitioned source",
    share: 0.5,
    make: [
      "create table shape (id bigint, region int, note text, primary key (id, region)) partition by list (region)",
      ...[0, 1, 2, 3].map((region) => `create table shape_${region} partition of shape for values in (${region})`),
      "insert into shape select i, i % 4, md5(i::text) from generate_series(1, $rows) i",
    ],
  },
  "text-keys": {
    title: "Keys of two texts, in no order",
    share: 0.5,
    make: [
      "create table shape (shop text, code text, amount numeric(12,2), primary key (shop, code))",
      "insert into shape select 'shop-' || left(md5((i % 50)::text), 6), md5(i::text), i / 100.0 from generate_series(1, $rows) i",
    ],
  },
  "no-key": {
    title: "No key",
    share: 0.5,
    make: [
      "create table shape (at timestamptz, kind text, value double precision)",
      "insert into shape select timestamptz '2025-01-01 00:00:00+00' + i / 3 * interval '1 second', 'kind ' || i % 10, sqrt(i) from generate_series(1, $rows) i",
    ],
  },
  "uuid-key": {
    title: "A random uuid as key",
    share: 0.5,
    make: [
      "create table shape (id uuid primary key, note text, amount numeric)",
      "insert into shape select md5(i::text)::uuid, md5((-i)::text), i / 100.0 from generate_series(1, $rows) i",
    ],
  },
};

async function loadShape(bench: Bench, { title, share, make }: Shape): Promise<Outcome> {
  const rows = Math.max(10, Math.round(bench.rows * share));
  bench.say(`  making public.shape, ${rows.toLocaleString("en-US")} rows`);
  await bench.source.query("drop table if exists shape cascade");
  for (const statement of make) await bench.source.query(statement.replace("$rows", String(rows)));
  await bench.source.query("vacuum (analyze, freeze) shape");
  return racePipe(bench, { title, entityKey: "public.shape" });
}

export const shapes = Object.fromEntries(
  Object.entries(SHAPES).map(([name, shape]) => [`shapes/${name}`, (bench: Bench) => loadShape(bench, shape)]),
);

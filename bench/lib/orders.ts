import type { Bench } from "./bench.ts";

/** The large table of mixed columns. Every value is a function of the row's number, so that each run has the same rows. */
export const ORDERS = "public.orders";

/** Of a full table, and what a delta changes and adds. */
const CHANGED_SHARE = 0.05;
const ADDED_SHARE = 0.025;

const TABLE = `
  create table public.orders (
    id bigint primary key,
    customer_id bigint,
    status text,
    amount numeric(12,2),
    currency text,
    note text,
    tags text[],
    payload jsonb,
    is_gift boolean,
    created_at timestamptz,
    updated_at timestamptz
  )`;

const DICE = `
  create or replace function public.dice(row_no bigint, column_no int, sides bigint) returns bigint
  language sql immutable parallel safe
  return (hashint8extended(row_no, column_no) & 9223372036854775807) % sides`;

const ROWS = String.raw`
  create or replace function public.order_rows(first bigint, last bigint) returns setof public.orders
  language sql stable parallel safe as $$
    select
      i,
      1 + dice(i, 1, 200000),
      (array['pending', 'paid', 'shipped', 'delivered', 'cancelled', 'refunded'])[1 + dice(i, 2, 6)],
      (dice(i, 3, 100000000) - 2000000) / 100.0,
      (array['EUR', 'USD', 'GBP', 'JPY', 'CHF', 'SEK', 'PLN'])[1 + dice(i, 4, 7)],
      case dice(i, 5, 10)
        when 0 then null
        when 1 then left('', 0)
        else left(md5(i::text), 8 + dice(i, 6, 24)::int)
          || (array[E' caf\u00e9 ', E'\ttab ', E'\nline ', E' back\\slash ', ' "quoted" ', E' \u65e5\u672c ', E' \\N ', ' plain '])[1 + dice(i, 7, 8)]
          || left(md5((-i)::text), 16 + dice(i, 8, 16)::int)
      end,
      case dice(i, 9, 8)
        when 0 then null
        when 1 then array[]::text[]
        when 2 then array['a,b', 'c"d', E'e\\f']
        when 3 then array['vip', null, 'NULL']
        else array['t' || dice(i, 10, 100), 'seg-' || dice(i, 11, 1000), E'\u00e9t\u00e9']
      end,
      jsonb_build_object(
        'sku', 'SKU-' || lpad(dice(i, 12, 1000000)::text, 6, '0'),
        'qty', dice(i, 13, 20),
        'weight', dice(i, 14, 100000) / 1000.0,
        'address', jsonb_build_object('city', (array['Berlin', 'Tokyo', 'Lyon'])[1 + dice(i, 15, 3)], 'zip', (10000 + dice(i, 16, 90000))::text),
        'flags', jsonb_build_array(dice(i, 17, 2) = 0, null, dice(i, 18, 7))
      ),
      case when dice(i, 19, 20) = 0 then null else dice(i, 19, 9) = 1 end,
      timestamptz '2023-01-01 00:00:00+00' + dice(i, 20, 63072000000000) * interval '1 microsecond',
      timestamptz '2025-01-01 00:00:00+00' + dice(i, 21, 15552000000000) * interval '1 microsecond'
    from generate_series(first, last) i
  $$`;

/** Anew, with `rows` rows. */
export async function makeOrders({ source, say }: Bench, rows: number): Promise<void> {
  say(`  making ${ORDERS}, ${rows.toLocaleString("en-US")} rows`);
  await source.query("drop table if exists public.orders cascade");
  for (const statement of [TABLE, DICE, ROWS]) await source.query(statement);
  await source.query("insert into public.orders select * from order_rows(1, $1)", [rows]);
  await source.query("create index on public.orders (updated_at)");
  await source.query("vacuum (analyze, freeze) public.orders");
}

/** What a delta's rows, and no others, fulfil. */
export interface OrdersDelta {
  where: string;
  /** The newest cursor before it. */
  since: string;
}

/**
 * Some rows change and some are new, stamped with the present time.
 * @param delta its number, from 1
 */
export async function changeOrders({ source }: Bench, rows: number, delta: number): Promise<OrdersDelta> {
  const added = Math.ceil(rows * ADDED_SHARE);
  const first = rows + (delta - 1) * added + 1;
  const newest = await source.query<{ since: string }>(
    `select to_char(max(updated_at) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00') as since from ${ORDERS}`,
  );
  const since = newest.rows[0]?.since ?? "";
  const stamp = "now() + dice(id, 31, 50000) * interval '1 microsecond'";
  await source.query(
    `update ${ORDERS} set updated_at = ${stamp}, amount = amount + 1, status = 'shipped'
     where id <= ${rows} and dice(id, ${100 + delta}, 1000) < ${CHANGED_SHARE * 1000}`,
  );
  await source.query(
    `insert into ${ORDERS}
     select id, customer_id, status, amount, currency, note, tags, payload, is_gift, created_at, ${stamp}
     from order_rows(${first}, ${first + added - 1})`,
  );
  await source.query(`vacuum (analyze) ${ORDERS}`);
  return { since, where: `updated_at > '${since}'` };
}

/**
 * The demo's source: a shop. Every value is a pure function of its row number, by way of hashes, so that two seeds of the
 * same size are the same data. It holds what breaks copies: NULLs beside empty strings, text that looks like COPY's own
 * escapes, numbers beyond double precision, microseconds, empty and NULL-holding arrays.
 */
export interface ShopTable {
  name: string;
  columns: string;
  /** The column that moves with every change. */
  clock: string;
  /** A query for the rows of row numbers `size.first` to `size.last`; `h` makes a number >= 0 of a row number and a salt. */
  rows: string;
  /** How many row numbers, for so many orders. */
  rowNumbers: (orders: number) => number;
  /** Added when the rows are in: building an index once beats keeping it up to date. */
  constraints: string[];
}

export const SHOP_SETUP = `
  drop schema if exists shop cascade;
  create schema shop;
  create type shop.order_status as enum ('pending', 'paid', 'shipped', 'delivered', 'cancelled', 'refunded');
  create domain shop.email as text check (value like '%@%');
  create function shop.h(i bigint, salt integer) returns bigint language sql immutable parallel safe
    return hashint8extended(i, salt) & 9223372036854775807;
  create function shop.awkward(i bigint) returns text language sql immutable parallel safe
    return (array[
      e'caf\\u00e9 \\u65e5\\u672c\\u8a9e \\U0001F600', e'tab\\there', e'line\\nbreak', e'crlf\\r\\nend', e'back\\\\slash',
      '"double" and ''single''', e'\\\\N', e'\\\\.', '', ' padded ', 'a,b;c|d', '{"not":"json"}', 'NULL', e'\\u0001\\u007f'
    ])[1 + shop.h(i, 900) % 14];
  create function shop.moment(i bigint, salt integer) returns timestamptz language sql immutable parallel safe
    return timestamptz '2024-01-01 00:00:00+00' + make_interval(secs => (shop.h(i, salt) % 46656000000000) / 1000000.0);`;

export const SHOP_TABLES: readonly ShopTable[] = [
  {
    name: "customers",
    clock: "updated_at",
    columns: `
      id bigint not null, public_id uuid not null, email shop.email not null, full_name varchar(80) not null, phone text,
      born_on date, locale char(5), marketing boolean, balance numeric not null, tags text[], preferences jsonb not null,
      signup_ip inet, device macaddr, created_at timestamptz not null, updated_at timestamptz not null`,
    rows: `
      select i, md5('customer' || i)::uuid, 'user' || i || '@example.com',
        (array['Zo\u00eb', 'Bj\u00f6rn', '\u674e', 'Ngozi', 'O''Brien', 'Jos\u00e9'])[1 + shop.h(i, 1) % 6] || ' ' || substr(md5(i::text), 1, 8),
        case when shop.h(i, 2) % 4 > 0 then '+49 ' || shop.h(i, 2) % 10000000000 end,
        case when shop.h(i, 3) % 5 > 0 then date '1940-01-01' + (shop.h(i, 3) % 24000)::int end,
        (array['de_DE', 'en', 'ja_JP', null])[1 + shop.h(i, 4) % 4],
        case when shop.h(i, 5) % 3 > 0 then shop.h(i, 5) % 2 = 0 end,
        shop.h(i, 6)::numeric * shop.h(i, 7) / 1e21,
        case shop.h(i, 8) % 5 when 0 then null when 1 then '{}'::text[] when 2 then array['vip', null, 'NULL', '']
          else array['seg-' || shop.h(i, 9) % 100, shop.awkward(i)] end,
        jsonb_build_object('theme', shop.h(i, 10) % 2 = 0, 'note', shop.awkward(i + 1), 'limits', jsonb_build_array(shop.h(i, 11), null)),
        case when shop.h(i, 12) % 2 = 0 then '10.0.0.0'::inet + shop.h(i, 12) % 16000000 else '2001:db8::'::inet + shop.h(i, 12) % 1000000 end,
        case when shop.h(i, 13) % 3 = 0 then substr(md5('mac' || i), 1, 12)::macaddr end,
        shop.moment(i, 14), shop.moment(i, 15)
      from size, generate_series(size.first, size.last) as i`,
    rowNumbers: (orders) => shopSize(orders).customers,
    constraints: [
      "alter table shop.customers add primary key (id)",
      "create index customers_updated_at on shop.customers (updated_at)",
    ],
  },
  {
    name: "products",
    clock: "updated_at",
    columns: `
      sku text not null, title varchar(120) not null, description text, price numeric(10, 2) not null, weight_kg real,
      dimensions_cm numeric(6, 1)[], stock smallint not null, active boolean not null, attributes jsonb,
      barcodes text[], thumbnail bytea, released_on date, updated_at timestamptz not null`,
    rows: `
      select 'SKU-' || lpad(i::text, 8, '0'), 'Product ' || shop.h(i, 1) % 1000 || ' ' || substr(md5('p' || i), 1, 10),
        case when shop.h(i, 2) % 6 > 0 then shop.awkward(i) || repeat(' ' || md5(i::text), (shop.h(i, 3) % 8)::int) end,
        (shop.h(i, 4) % 1000000) / 100.0,
        case when shop.h(i, 5) % 7 > 0 then (shop.h(i, 5) % 100000 / 997.0)::real end,
        array[(shop.h(i, 6) % 5000) / 10.0, null, (shop.h(i, 7) % 5000) / 10.0],
        (shop.h(i, 8) % 30000)::smallint, shop.h(i, 9) % 10 > 0,
        case when shop.h(i, 10) % 8 > 0 then jsonb_build_object('colour', shop.awkward(i + 2), 'weight', shop.h(i, 11) / 1e7) end,
        case shop.h(i, 12) % 4 when 0 then null when 1 then '{}'::text[] else array['a,b', 'c"d', e'e\\\\f', (shop.h(i, 13) % 10000000000000)::text] end,
        case when shop.h(i, 14) % 3 > 0 then decode(md5('t' || i) || md5('u' || i), 'hex') end,
        case when shop.h(i, 15) % 5 > 0 then date '2001-01-01' + (shop.h(i, 15) % 9000)::int end,
        shop.moment(i, 16)
      from size, generate_series(size.first, size.last) as i`,
    rowNumbers: (orders) => shopSize(orders).products,
    constraints: [
      "alter table shop.products add primary key (sku)",
      "create index products_updated_at on shop.products (updated_at)",
    ],
  },
  {
    name: "orders",
    clock: "updated_at",
    columns: `
      id bigint not null, customer_id bigint not null, number varchar(24) not null, status shop.order_status not null,
      currency char(3) not null, total numeric(12, 2) not null, exact_total numeric not null, fx_rate double precision,
      discount real, is_gift boolean, note text, tags text[], item_counts integer[], payload jsonb not null, raw json,
      client_ip inet, external_id uuid, signature bytea, delivery interval, cutoff time, placed_on date not null,
      local_time timestamp, created_at timestamptz not null, updated_at timestamptz not null`,
    rows: `
      select i, 1 + shop.h(i, 1) % size.customers, 'O-' || to_char(i, 'FM0000000000'),
        (enum_range(null::shop.order_status))[1 + shop.h(i, 2) % 6],
        (array['EUR', 'USD', 'GBP', 'JPY', 'CHF'])[1 + shop.h(i, 3) % 5],
        (shop.h(i, 4) % 100000000) / 100.0 * case when shop.h(i, 4) % 50 = 0 then -1 else 1 end,
        shop.h(i, 5)::numeric * shop.h(i, 6) / 1e19,
        case when shop.h(i, 7) % 9 > 0 then shop.h(i, 7) / 7e17 end,
        case when shop.h(i, 8) % 3 = 0 then (shop.h(i, 8) % 1000 / 1000.0)::real end,
        case when shop.h(i, 9) % 20 > 0 then shop.h(i, 9) % 9 = 1 end,
        case when shop.h(i, 10) % 8 > 0 then shop.awkward(i) || substr(md5(i::text), 1, (shop.h(i, 10) % 32)::int) end,
        case shop.h(i, 11) % 6 when 0 then null when 1 then '{}'::text[] when 2 then array['x', null, 'NULL', shop.awkward(i)]
          else array['t' || shop.h(i, 11) % 100] end,
        case when shop.h(i, 12) % 4 > 0 then array[(shop.h(i, 12) % 9)::int, null, -1] end,
        jsonb_build_object('sku', shop.h(i, 13) % 1000000, 'city', shop.awkward(i + 3), 'flags', jsonb_build_array(true, null, 1.50)),
        case when shop.h(i, 14) % 5 = 0 then ('{"b": 1,  "a": [' || i || ', 1e3], "a": 2}')::json end,
        case when shop.h(i, 15) % 3 > 0 then '10.0.0.0'::inet + shop.h(i, 15) % 16000000 end,
        case when shop.h(i, 16) % 4 > 0 then md5('order' || i)::uuid end,
        case when shop.h(i, 17) % 10 = 0 then decode(md5('s' || i), 'hex') end,
        case when shop.h(i, 18) % 3 = 0 then make_interval(days => (shop.h(i, 18) % 30)::int, secs => shop.h(i, 18) % 86400) end,
        case when shop.h(i, 19) % 2 = 0 then time '00:00' + make_interval(secs => shop.h(i, 19) % 86400) end,
        date '2024-01-01' + (shop.h(i, 20) % 540)::int,
        case when shop.h(i, 21) % 5 > 0 then shop.moment(i, 21) at time zone 'UTC' end,
        shop.moment(i, 20), shop.moment(i, 22)
      from size, generate_series(size.first, size.last) as i`,
    rowNumbers: (orders) => orders,
    constraints: [
      "alter table shop.orders add primary key (id)",
      "create index orders_updated_at on shop.orders (updated_at)",
      "alter table shop.orders add foreign key (customer_id) references shop.customers (id)",
    ],
  },
  {
    name: "order_items",
    clock: "updated_at",
    columns: `
      order_id bigint not null, line_no smallint not null, sku text not null, quantity integer not null,
      unit_price numeric(10, 2) not null, discount numeric(5, 4), options jsonb, updated_at timestamptz not null`,
    rows: `
      select i, line_no, 'SKU-' || lpad((1 + shop.h(i, 30 + line_no) % size.products)::text, 8, '0'),
        (1 + shop.h(i, 40 + line_no) % 12)::int, (shop.h(i, 50 + line_no) % 1000000) / 100.0,
        case when shop.h(i, 60 + line_no) % 4 = 0 then (shop.h(i, 60 + line_no) % 10000) / 10000.0 end,
        case when shop.h(i, 70 + line_no) % 6 = 0 then jsonb_build_object('engraving', shop.awkward(i + line_no)) end,
        shop.moment(i, 22)
      from size, generate_series(size.first, size.last) as i, generate_series(1, (1 + shop.h(i, 23) % 3)::int) as line_no`,
    rowNumbers: (orders) => orders,
    constraints: [
      "alter table shop.order_items add primary key (order_id, line_no)",
      "create index order_items_updated_at on shop.order_items (updated_at)",
      "alter table shop.order_items add foreign key (order_id) references shop.orders (id)",
      "alter table shop.order_items add foreign key (sku) references shop.products (sku)",
    ],
  },
  {
    name: "inventory_events",
    clock: "occurred_at",
    columns: `
      id uuid not null, sku text not null, warehouse varchar(16) not null, delta integer not null, reason text,
      payload json, occurred_at timestamptz not null`,
    rows: `
      select md5('event' || i)::uuid, 'SKU-' || lpad((1 + shop.h(i, 1) % size.products)::text, 8, '0'), 'WH-' || shop.h(i, 2) % 12,
        (shop.h(i, 3) % 200)::int - 100, case when shop.h(i, 4) % 5 > 0 then shop.awkward(i) end,
        case when shop.h(i, 5) % 3 = 0 then json_build_object('batch', shop.h(i, 5), 'note', shop.awkward(i + 4)) end,
        shop.moment(i, 6)
      from size, generate_series(size.first, size.last) as i`,
    rowNumbers: (orders) => portion(orders, 2),
    constraints: [
      "alter table shop.inventory_events add primary key (id)",
      "create index inventory_events_occurred_at on shop.inventory_events (occurred_at)",
    ],
  },
];

/** Inserts rows `$1` to `$2` of a shop with `$3` customers and `$4` products, into `target` or the table itself. */
export function insertRows(table: ShopTable, target = `shop.${table.name}`): string {
  return `
    with size as (select $1::bigint as first, $2::bigint as last, $3::bigint as customers, $4::bigint as products)
    insert into ${target} ${table.rows}`;
}

/** The `$3` and `$4` of `insertRows`. */
export function shopSize(orders: number): { customers: number; products: number } {
  return { customers: portion(orders, 10), products: portion(orders, 100) };
}

function portion(orders: number, divisor: number): number {
  return Math.max(1, Math.round(orders / divisor));
}

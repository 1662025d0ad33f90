import pg from "pg";
import { insertRows, SHOP_SETUP, SHOP_TABLES, type ShopTable, shopSize } from "./shop-tables.ts";

const CHUNK_ROWS = 50_000;
const SESSIONS = 2;
/** Another version of the data is another seed. */
const VERSION = 1;

/**
 * Fills schema `shop` with the demo's data, unless it holds just that.
 * @returns whether it wrote anything
 */
export async function seedShop(options: {
  url: string;
  orders: number;
  onTable: (name: string) => void;
}): Promise<boolean> {
  const { url, orders, onTable } = options;
  const mark = `Sluice demo ${VERSION}, ${orders} orders`;
  const sessions = Array.from(
    { length: SESSIONS },
    () => new pg.Client({ connectionString: url, options: "-c synchronous_commit=off -c timezone=UTC" }),
  );
  const [first] = sessions;
  if (first === undefined) throw new Error("a seed needs a session");
  await Promise.all(sessions.map((session) => session.connect()));
  try {
    if ((await readMark(first)) === mark) return false;
    await first.query(SHOP_SETUP);
    for (const table of SHOP_TABLES) {
      onTable(table.name);
      await first.query(`create table shop.${table.name} (${table.columns})`);
      await fill(sessions, table, orders);
      for (const constraint of table.constraints) await first.query(constraint);
      await first.query(`vacuum (analyze) shop.${table.name}`);
    }
    // Last of all: a seed that was cut off has no mark, and starts over.
    await first.query(`comment on schema shop is ${first.escapeLiteral(mark)}`);
    return true;
  } finally {
    await Promise.all(sessions.map((session) => session.end()));
  }
}

/** Rows of every table, by entity key. */
export async function countShop(url: string): Promise<Record<string, number>> {
  const session = new pg.Client(url);
  await session.connect();
  try {
    const counts: Record<string, number> = {};
    for (const { name } of SHOP_TABLES) {
      const { rows } = await session.query<{ n: string }>(`select count(*) as n from shop.${name}`);
      counts[`shop.${name}`] = Number(rows[0]?.n);
    }
    return counts;
  } finally {
    await session.end();
  }
}

async function readMark(session: pg.Client): Promise<string | null> {
  const { rows } = await session.query<{ mark: string | null }>(
    "select obj_description(to_regnamespace('shop'), 'pg_namespace') as mark",
  );
  return rows[0]?.mark ?? null;
}

/** Chunk by chunk, shared out among the sessions. */
async function fill(sessions: pg.Client[], table: ShopTable, orders: number): Promise<void> {
  const last = table.rowNumbers(orders);
  const { customers, products } = shopSize(orders);
  let next = 1;
  await Promise.all(
    sessions.map(async (session) => {
      while (next <= last) {
        const from = next;
        next += CHUNK_ROWS;
        const to = Math.min(from + CHUNK_ROWS - 1, last);
        await session.query(insertRows(table), [from, to, customers, products]);
      }
    }),
  );
}

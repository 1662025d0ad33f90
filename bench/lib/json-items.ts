import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { unwrap } from "../../client/index.ts";
import type { Bench } from "./bench.ts";

const PAGE_RECORDS = 1_000;
export const ITEMS = "items";

/** An API whose pages are ready before anybody asks, so that what is measured is its client. */
export interface ItemsApi {
  /** `GET <baseUrl>items`; the body has `data` and the link `next`. */
  baseUrl: string;
  stop(): Promise<void>;
}

/**
 * The table that its records come from, so that what was loaded can be compared with it by Postgres.
 * @param exact ids and decimals have more digits than a double holds
 */
export async function makeItems({ source, say }: Bench, rows: number, exact: boolean): Promise<void> {
  say(`  making public.items, ${rows.toLocaleString("en-US")} rows`);
  await source.query("drop table if exists items");
  await source.query(
    `create table items (id bigint primary key, name text, status text, price numeric, rate numeric, quantity bigint,
       active boolean, created_at timestamptz, updated_at timestamptz, tags jsonb, address jsonb, note text)`,
  );
  // Numbers as JavaScript's programs write them: without zeros at their end.
  await source.query(
    `insert into items select
       ${exact ? "7000000000000000000 + i * 1001" : "i"}, 'Item ' || md5(i::text), (array['open', 'paid', 'sent'])[1 + i % 3],
       trim_scale(i % 100000 / 100.0), trim_scale(i / ${exact ? "7.0" : "8.0"}), i % 50, i % 2 = 0,
       timestamptz '2023-01-01 00:00:00+00' + i * interval '17 seconds', timestamptz '2025-01-01 00:00:00+00' + i * interval '1.5 seconds',
       jsonb_build_array('tag ' || i % 100, E'\\u00e9t\\u00e9'), jsonb_build_object('city', 'Berlin', 'zip', (10000 + i % 90000)::text),
       case when i % 3 = 0 then null else repeat('note ' || i || ' ', 1 + i % 5) end
     from generate_series(1, ${rows}) i`,
  );
}

/** Serves the table's rows, in the order of their ids. */
export async function startItemsApi({ source }: Bench): Promise<ItemsApi> {
  const { rows } = await source.query<{ page: string; records: string }>(
    `select (row_number() over (order by id) - 1) / ${PAGE_RECORDS} as page, row_to_json(items)::text as records from items`,
  );
  const grouped = Map.groupBy(rows, ({ page }) => Number(page));
  const pages = [...grouped.values()].map((page) => page.map(({ records }) => records).join(","));
  const bodies: Buffer[] = [];
  const server = createServer((request, response) => {
    const page = Number(new URL(request.url ?? "", "http://localhost").searchParams.get("page") ?? 1);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(bodies[page - 1] ?? `{"data":[],"next":null}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const baseUrl = `http://127.0.0.1:${port}/`;
  for (const [i, records] of pages.entries()) {
    const next = i + 1 < pages.length ? `"${baseUrl}items?page=${i + 2}"` : "null";
    bodies.push(Buffer.from(`{"data":[${records}],"next":${next}}`));
  }
  return {
    baseUrl,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** @returns the id of a connection to it */
export async function connectItems(bench: Bench, { baseUrl }: ItemsApi): Promise<string> {
  const { id } = await unwrap(
    bench.sluice.POST("/api/v1/connections", {
      body: {
        name: `bench items ${new Date().toISOString()}`,
        provider: "http_api",
        config: {
          baseUrl,
          resources: [
            { name: ITEMS, path: "items", primaryKey: ["id"], paginator: { type: "json_link", nextPath: "next" } },
          ],
        },
      },
    }),
  );
  return id;
}

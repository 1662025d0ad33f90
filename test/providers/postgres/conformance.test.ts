import { findProvider } from "../../../providers/index.ts";
import { createFaultProxy } from "../../support/fault-proxy.ts";
import { withClient } from "../../support/postgres.ts";
import { describeProvider } from "../conformance.ts";
import { createPostgresSource } from "./postgres-source.ts";

/** 210 rows, seven of each instant; wide enough for a batch to fill more than one packet. */
const ORDERS = `
  create table orders (
    id bigint generated always as identity primary key,
    note text,
    amount numeric(20, 6),
    tags text[],
    details jsonb,
    updated_at timestamptz not null
  );
  create index on orders (updated_at);
  insert into orders (note, amount, tags, details, updated_at)
  select repeat(E'a\\tb\\n\\\\"' || n, 2000), n / 7.0, array['x', null, n::text], jsonb_build_object('n', n),
    timestamptz '2026-01-01 10:00:00.123456+00' + (n / 7) * interval '1 microsecond'
  from generate_series(0, 209) as n;
  analyze orders`;

describeProvider("postgres", ["cursor", "credentials", "stall", "throttle"], async () => {
  const provider = findProvider("postgres");
  if (provider === null) throw new Error("no postgres provider");
  const source = await createPostgresSource(ORDERS);
  const proxy = await createFaultProxy({ targetPort: Number(source.config.port) });
  const { config, secrets } = source;
  return {
    provider,
    config: { ...config, port: proxy.port },
    secrets,
    sourceConfig: {},
    invalidConfigs: [
      {},
      { ...config, host: "" },
      { ...config, port: 0 },
      { ...config, port: "5432" },
      { ...config, sslMode: "prefer" },
      { ...config, schemas: [] },
    ],
    wrongSecrets: { password: "wrong-password" },
    entity: { entityKey: "public.orders", keyColumns: ["id"], cursorField: "updated_at" },
    oldestState: "2000-01-01 00:00:00+00",
    expectedRows: () =>
      withClient(source.url, async (client) => {
        await client.query("set timezone = 'UTC'");
        const { rows } = await client.query<{ row: string }>("select orders::text as row from orders");
        return rows.map(({ row }) => row);
      }),
    stall: () => {
      proxy.stall(100_000);
      return () => proxy.heal();
    },
    throttle: async () => {
      await source.sql(`alter role ${source.config.user} connection limit 0`);
      return async () => {
        await source.sql(`alter role ${source.config.user} connection limit -1`);
      };
    },
    close: async () => {
      await proxy.close();
      await source.close();
    },
  };
});

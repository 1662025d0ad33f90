import { randomBytes } from "node:crypto";
import type pg from "pg";
import { createRedactor } from "../../../core/redact.ts";
import { findProvider } from "../../../providers/index.ts";
import { askForNoConversion } from "../../../providers/postgres/raw-encoding.ts";
import type { EntityPlan, PlanRequest, Source } from "../../../providers/provider.ts";
import { createTestDatabase, withClient } from "../../support/postgres.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../support/shared-connection.ts";
import { createReadBack } from "../read-back.ts";

/** A source database of the test's own, with a user who may read and nothing else. */
export interface PostgresSource {
  url: string;
  config: Record<string, unknown>;
  secrets: { password: string };
  /** As superuser. */
  sql<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** `use(source)` with a source that is closed afterwards. */
  use<T>(work: (source: Source) => Promise<T>, options?: SourceOptions): Promise<T>;
  plan(request: Partial<PlanRequest> & { entityKey: string }): Promise<EntityPlan>;
  /** The rows of all slices, as Postgres prints them, sorted. */
  readAll(plan: EntityPlan, batchRows?: number): Promise<string[]>;
  close(): Promise<void>;
}

export interface SourceOptions {
  config?: Record<string, unknown>;
  signal?: AbortSignal;
}

/** @param schema SQL that makes the tables; all of them can be read afterwards */
export async function createPostgresSource(schema: string, encoding?: string): Promise<PostgresSource> {
  const database = await createTestDatabase(encoding);
  const user = `reader_${randomBytes(6).toString("hex")}`;
  const password = randomBytes(12).toString("hex");
  const url = new URL(database.url);
  const config = {
    host: url.hostname,
    port: Number(url.port),
    database: url.pathname.slice(1),
    user,
    sslMode: "disable",
  };

  const sql = <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) =>
    withClient(
      database.url,
      async (client) => {
        await client.query("set timezone = 'UTC'; set extra_float_digits = 3");
        return (await client.query<Row>(text, values)).rows;
      },
      // No other client could connect.
      encoding === "MULE_INTERNAL" ? askForNoConversion : undefined,
    );

  await sql(schema);
  await sql(`create role ${user} login password '${password}' in role pg_read_all_data, pg_read_all_stats`);

  const source: PostgresSource = {
    url: database.url,
    config,
    secrets: { password },
    sql,
    async use(work, options = {}) {
      const provider = findProvider("postgres");
      if (provider === null) throw new Error("no postgres provider");
      const opened = await provider.connect({
        config: provider.connectionSchema.parse({ ...config, ...options.config }),
        secrets: { password },
        sourceConfig: {},
        signal: options.signal ?? new AbortController().signal,
        redactor: createRedactor(),
        shared: createSharedConnection(),
        egress: LOOPBACK_EGRESS,
      });
      try {
        return await work(opened);
      } finally {
        await opened.close();
      }
    },
    plan: (request) =>
      source.use((opened) =>
        opened.plan({
          scan: "full",
          keyColumns: [],
          cursorField: null,
          cursorState: null,
          windows: false,
          windowSize: null,
          maxSlices: 100,
          lookbackSeconds: null,
          safetyLagSeconds: null,
          catchUp: false,
          removes: false,
          between: null,
          ...request,
        }),
      ),
    readAll: (plan, batchRows = 1_000) =>
      withClient(database.url, async (client) => {
        const readBack = await createReadBack(client, plan.spec.columns);
        const rows: string[] = [];
        await source.use(async (opened) => {
          for (const { window } of plan.slices) {
            const request = { spec: plan.spec, window, checkpoint: null, batchRows, batchBytes: 2 ** 30 };
            for await (const batch of opened.read(request)) rows.push(...(await readBack.rowsOf(batch)));
          }
        });
        return rows.sort();
      }),
    async close() {
      await database.drop();
      await withClient(adminUrl(database.url), (client) => client.query(`drop role ${user}`));
    },
  };
  return source;
}

function adminUrl(url: string): string {
  const admin = new URL(url);
  admin.pathname = "postgres";
  return admin.href;
}

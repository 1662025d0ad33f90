/** What `npm run demo -- --provider <key>` needs of a provider: one file, `providers/<key>.ts`. */
export interface ProviderDemo {
  /** Starts what the connector reads from: a simulator (`startSimulator`), or a server of the vendor's kind. */
  start(options: { signal: AbortSignal; log: (line: string) => void }): Promise<DemoSource>;
}

/** A source that runs. */
export interface DemoSource {
  /** What this demo's connector talks to, in one line: "a simulator of ..., written from ...; no real shop". */
  ranAgainst: string;
  connection: { config: Record<string, unknown>; secrets: Record<string, string> };
  sync: DemoSync;
  /** Changes the source as people would: new records, changed ones, deleted ones. @returns what it did, a line each */
  change(): Promise<string[]>;
  /** What the tables should hold now, by entityKey, told by the source itself and not by way of the connector. */
  expected(): Promise<Record<string, ExpectedTable>>;
  stop(): Promise<void>;
}

export interface DemoSync {
  entities: string[];
  /** Parts of `POST /syncs` besides: bindings, modes, the provider's `sourceConfig`. */
  [field: string]: unknown;
}

/** Rows of the columns that are compared, as Postgres prints each of them as text. */
export interface ExpectedTable {
  columns: string[];
  rows: (string | null)[][];
}

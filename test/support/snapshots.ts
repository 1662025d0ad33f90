import type pg from "pg";
import { inject } from "vitest";
import { withClient } from "./postgres.ts";

/** A consistent copy of a database of the shared server, and the way back: what a backup and a restore are, without `pg_dump`. */
export interface Snapshot {
  /** Puts the database back to what it was; whoever is connected loses the connection. */
  restore(): Promise<void>;
  drop(): Promise<void>;
}

export async function takeSnapshot(databaseUrl: string): Promise<Snapshot> {
  const name = new URL(databaseUrl).pathname.slice(1);
  const copy = `${name}_at_${Date.now()}`;
  await onServer((server) => copyDatabase(server, name, copy));
  return {
    restore: () =>
      onServer(async (server) => {
        await server.query(`drop database ${name} with (force)`);
        await copyDatabase(server, copy, name);
      }),
    drop: () =>
      onServer(async (server) => {
        await server.query(`drop database if exists ${copy} with (force)`);
      }),
  };
}

/** Nobody is let in while it lasts: a copy is only taken of a database at rest. */
async function copyDatabase(server: pg.Client, from: string, to: string): Promise<void> {
  await server.query(`alter database ${from} allow_connections false`);
  try {
    await server.query("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1", [from]);
    await server.query(`create database ${to} template ${from} strategy file_copy`);
  } finally {
    await server.query(`alter database ${from} allow_connections true`);
  }
}

function onServer<T>(work: (server: pg.Client) => Promise<T>): Promise<T> {
  return withClient(inject("postgresUrl"), work);
}

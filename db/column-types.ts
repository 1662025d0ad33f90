import type { ColumnType, JSONColumnType } from "kysely";

/** How kinds of columns are read and written. */

/** Read as Date; written as Date or text that Postgres reads. */
export type Instant = ColumnType<Date, Date | string, Date | string>;
export type InstantOrNull = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
export type CreatedAt = ColumnType<Date, Date | string | undefined, never>;
export type UpdatedAt = ColumnType<Date, Date | string | undefined, Date | string>;
export type Json = JSONColumnType<Record<string, unknown>>;
export type JsonOrNull = ColumnType<Record<string, unknown> | null, string | null | undefined, string | null>;

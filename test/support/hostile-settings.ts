/**
 * Settings of a role or database that change what a session reads or writes, each with a value that would be felt. All of them are
 * known to Postgres 15.
 */
export const HOSTILE_SETTINGS: [name: string, value: string][] = [
  ["TimeZone", "Asia/Kathmandu"],
  ["DateStyle", "German, DMY"],
  ["IntervalStyle", "sql_standard"],
  ["timezone_abbreviations", "Australia"],
  ["bytea_output", "escape"],
  ["extra_float_digits", "-3"],
  ["array_nulls", "off"],
  ["xmloption", "document"],
  ["xmlbinary", "hex"],
  ["standard_conforming_strings", "off"],
  ["backslash_quote", "off"],
  ["escape_string_warning", "off"],
  ["client_encoding", "LATIN1"],
  ["transform_null_equals", "on"],
  ["quote_all_identifiers", "on"],
  ["gin_fuzzy_search_limit", "1"],
  ["exit_on_error", "on"],
  ["search_path", "hostile, pg_catalog"],
  ["search_path", ""],
  ["row_security", "off"],
  ["check_function_bodies", "off"],
  ["default_transaction_isolation", "serializable"],
  ["default_transaction_deferrable", "on"],
  ["default_transaction_read_only", "on"],
  ["default_tablespace", "pg_default"],
  ["default_toast_compression", "pglz"],
  ["temp_tablespaces", "pg_default"],
  ["synchronous_commit", "off"],
  ["constraint_exclusion", "on"],
  ["plan_cache_mode", "force_generic_plan"],
  ["enable_seqscan", "off"],
  ["enable_indexscan", "off"],
  ["jit", "on"],
  ["work_mem", "64kB"],
  ["statement_timeout", "100ms"],
  ["lock_timeout", "1ms"],
  ["idle_in_transaction_session_timeout", "1ms"],
  ["idle_session_timeout", "1s"],
  ["client_min_messages", "error"],
  ["lc_numeric", "C"],
  ["lc_time", "C"],
  ["statement_timeout", "0"],
];

/** Shadows operators and functions of Postgres for a search_path that lists it first. */
export const HOSTILE_SCHEMA = `
  create schema hostile;
  create function hostile.never(integer, integer) returns boolean language sql immutable as 'select false';
  create operator hostile.> (leftarg = integer, rightarg = integer, function = hostile.never);
  create operator hostile.= (leftarg = integer, rightarg = integer, function = hostile.never);
  create function hostile.upper(text) returns text language sql immutable as 'select ''shadowed''';
  grant usage on schema hostile to public`;

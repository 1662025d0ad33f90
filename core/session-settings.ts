/**
 * What every session with a Postgres sets for itself, so that no default of its server, database or role changes what is read or
 * written. A server that does not know one of them goes without. They are set by a statement: poolers refuse them at the start of a
 * connection.
 */
export const SESSION_SETTINGS: Readonly<Record<string, string>> = {
  // Values as text, and text as values.
  TimeZone: "UTC",
  timezone_abbreviations: "Default",
  IntervalStyle: "postgres",
  bytea_output: "hex",
  extra_float_digits: "3",
  array_nulls: "on",
  xmloption: "content",
  xmlbinary: "base64",
  // What a statement means, and which rows it finds.
  standard_conforming_strings: "on",
  transform_null_equals: "off",
  quote_all_identifiers: "off",
  gin_fuzzy_search_limit: "0",
  default_transaction_isolation: "read committed",
  default_transaction_deferrable: "off",
  // How long a session and its transactions may live: statements and idle transactions have limits of their own.
  transaction_timeout: "0",
  idle_session_timeout: "0",
  exit_on_error: "off",
};

/**
 * One round trip. Writes only what is not so already, since some settings are a superuser's to change.
 * Takes an object of settings as JSON for $1.
 */
export const APPLY_SETTINGS = `
  select set_config(known.name, wanted.value, false)
  from json_each_text($1::json) as wanted (name, value)
  join pg_settings as known on lower(known.name) = lower(wanted.name)
  where known.setting is distinct from wanted.value`;

/** Functions and operators of Postgres go before those of other schemas, wherever the role's own path lists them. */
export const SAFE_SEARCH_PATH = `
  case when 'pg_catalog' = any (current_schemas(false)) then 'pg_catalog, ' else '' end || current_setting('search_path')`;

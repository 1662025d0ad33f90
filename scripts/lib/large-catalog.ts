import type pg from "pg";

export interface CatalogSize {
  relations: number;
  columnsEach: number;
  domains: number;
}

const SCHEMAS = 20;
/** Each statement is its own transaction, and each new relation takes locks until it ends. */
const RELATIONS_EACH_STATEMENT = 250;

/**
 * Fills an empty database with relations that have no rows: of 20, 12 are tables with a key, some with a foreign key, 2 are partitioned
 * with 2 partitions each (which count), 3 are views and 1 is a materialized view. Every third column is of a domain, and every tenth
 * domain is over another domain.
 */
export async function fillCatalog(client: pg.Client, { relations, columnsEach, domains }: CatalogSize): Promise<void> {
  for (let n = 0; n < SCHEMAS; n++) await client.query(`create schema if not exists s${n}`);
  for (let n = 0; n < domains; n++) {
    const base = n % 10 === 9 ? `d${n - 1}` : ["numeric(12, 2)", "varchar(40)", "integer", "text"][n % 4];
    await client.query(`create domain d${n} as ${base}`);
  }
  for (let made = 0; made < relations; made += RELATIONS_EACH_STATEMENT) {
    const wanted = Math.min(RELATIONS_EACH_STATEMENT, relations - made);
    const statements = Array.from({ length: wanted }, (_, n) => relationStatement(made + n, { columnsEach, domains }));
    await client.query(statements.join(";\n"));
  }
}

/** Where the first table of the catalog is, as an entity key. */
export const FIRST_TABLE = "s0.r0";

function relationStatement(n: number, { columnsEach, domains }: Omit<CatalogSize, "relations">): string {
  const schemaOf = (other: number) => `s${Math.floor(other / 20) % SCHEMAS}`;
  const name = `${schemaOf(n)}.r${n}`;
  const columns = Array.from({ length: columnsEach - 1 }, (_, c) => {
    const type = c % 3 === 0 ? `d${(n + c) % domains}` : c % 3 === 1 ? "text" : "timestamptz";
    return `c${c} ${type}`;
  }).join(", ");
  const table = n - (n % 20);
  const kind = n % 20;
  if (kind < 12) {
    const reference = kind > 0 && kind % 3 === 0 ? `, foreign key (id) references ${schemaOf(table)}.r${table}` : "";
    return `create table ${name} (id int primary key, ${columns}${reference})`;
  }
  if (kind === 12 || kind === 15)
    return `create table ${name} (id int primary key, ${columns}) partition by range (id)`;
  if (kind < 18) {
    const parent = kind < 15 ? table + 12 : table + 15;
    const from = (n - parent) * 100;
    return `create table ${name} partition of ${schemaOf(parent)}.r${parent} for values from (${from}) to (${from + 100})`;
  }
  const query = `as select * from ${schemaOf(table)}.r${table}`;
  return kind === 18 ? `create view ${name} ${query}` : `create materialized view ${name} ${query}`;
}

import { type Kysely, sql } from "kysely";

/**
 * `stopOnShortPage: true` was stored as the default, and now declares that a short page is the last. Nobody declared it, so it goes;
 * evidence decides. Only connections to REST APIs have it. Additive: older processes read an absent value as true.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const withoutDefault = (value: ReturnType<typeof sql>) =>
    sql`case when ${value} #> '{paginator,stopOnShortPage}' = 'true' then ${value} #- '{paginator,stopOnShortPage}' else ${value} end`;
  await sql`
    update connections
    set config = ${withoutDefault(sql`config`)} || jsonb_build_object('resources', (
      select jsonb_agg(${withoutDefault(sql`resource`)} order by place)
      from jsonb_array_elements(config -> 'resources') with ordinality as each(resource, place)))
    where jsonb_array_length(config -> 'resources') > 0
      and jsonb_path_exists(config, '$.**.stopOnShortPage ? (@ == true)')`.execute(db);
}

import { READ_ORDER, stageTable } from "../load/staging.ts";
import { windowConditions } from "../load/window-conditions.ts";
import { checkedType, quoteColumns, quoteIdentifier, quoteTable, whereOf } from "../sql.ts";
import type { ComparedTarget, ComparisonClaim } from "./comparison.ts";
import type { Mending } from "./mend-by-key.ts";

/**
 * Rows without a key are a multiset: of equal rows the table keeps as many as the source has. Rows are equal when their values
 * have the same text, as in the digests that compare them.
 */
export const mendByCount: Mending = {
  async countLosses({ client }, request) {
    const { rows } = await client.query<{ present: string; lost: string }>(
      `${rankPresent(request)}
       select count(*) as present, count(*) filter (where ${IS_SURPLUS}) as lost from ranked left join wanted using (row_hash)`,
    );
    return { present: Number(rows[0]?.present), lost: Number(rows[0]?.lost) };
  },
  async apply({ client }, request) {
    const gone = await client.query(
      `${rankPresent(request)}
       delete from ${leafOf(request.target)} as present using ranked left join wanted using (row_hash)
       where present.ctid = ranked.row_id and ${IS_SURPLUS}`,
    );
    const added = await client.query(insertMissing(request));
    const inserted = added.rowCount ?? 0;
    return { written: inserted + (gone.rowCount ?? 0), inserted };
  },
};

const IS_SURPLUS = "ranked.occurrence > coalesce(wanted.times, 0)";

function rankPresent({ target, window }: ComparisonClaim): string {
  return `
    with wanted as (select ${hashOf(target, "staged")} as row_hash, count(*) as times from ${stageTable()} staged group by 1),
    ranked as (
      select row_hash, row_id, row_number() over (partition by row_hash order by row_id) as occurrence
      from (select ${hashOf(target, "present")} as row_hash, present.ctid as row_id
            from ${leafOf(target)} present ${whereOf(windowConditions(window))}) hashed)`;
}

function insertMissing({ target, window }: ComparisonClaim): string {
  const columns = target.columns.map(({ name }) => name);
  return `
    with present as (
      select ${hashOf(target, "present")} as row_hash, count(*) as times
      from ${leafOf(target)} present ${whereOf(windowConditions(window))} group by 1),
    ranked as (
      select hashed.*, row_number() over (partition by row_hash order by read_order) as occurrence
      from (select staged.*, staged.${READ_ORDER} as read_order, ${hashOf(target, "staged")} as row_hash
            from ${stageTable()} staged) hashed)
    insert into ${leafOf(target)} (${quoteColumns(columns)})
    select ${columns.map((name) => `ranked.${quoteIdentifier(name)}`).join(", ")}
    from ranked left join present using (row_hash)
    where ranked.occurrence > coalesce(present.times, 0)
    order by ranked.read_order`;
}

/** SQL. The staged rows have the source's types, which the table's may be wider than. */
function hashOf({ comparison }: ComparedTarget, alias: "staged" | "present"): string {
  const values = comparison.columns.map(({ name, type }) => {
    const value = `${alias}.${quoteIdentifier(name)}`;
    return alias === "present" ? value : `${value}::${checkedType(type)}`;
  });
  return `md5(row(${values.join(", ")})::text)::uuid`;
}

function leafOf({ leafSchema, leafTable }: ComparedTarget): string {
  return quoteTable({ schema: leafSchema, table: leafTable });
}

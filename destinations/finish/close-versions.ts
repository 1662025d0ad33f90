import { VALID_FROM_COLUMN, VALID_TO_COLUMN } from "../../core/own-columns.ts";
import { findOwner } from "../ledger/ledger.ts";
import { refuseDoubles } from "../load/claimed-key.ts";
import { refuseFewer } from "../load/withheld.ts";
import type { TargetOf } from "../load-target.ts";
import type { Session } from "../session.ts";
import { LEDGER_SCHEMA, quoteColumns, quoteIdentifier, quoteTable, RUN_ID_COLUMN, SYNCED_AT_COLUMN } from "../sql.ts";
import { readShape, type TableShape } from "../tables/table-shape.ts";
import { ensureGoneAt, GONE_AT_COLUMN } from "../tables/waiting-rows.ts";
import type { Finisher } from "./finisher.ts";
import { analyzeBeside, goneMeanwhile, reconcile, refuseOlderPlan, sawEveryRow } from "./reconcile.ts";

/** A time that two versions of a row differ by at least, and the shortest that one is valid. */
const A_MOMENT = "interval '1 microsecond'";

type Target = TargetOf<"versions">;

/**
 * What was staged becomes versions: a row that differs from its current version ends that and begins another, one that is
 * equal changes nothing, and a complete scan ends the versions of rows that it has not seen. A row that the source has only moved, such as to another
 * version of its file, is equal: its version keeps telling where the row was when it came to be as it is.
 */
export const closeVersions: Finisher<"versions"> = {
  async prepare(session, request) {
    await reconcile(session, request);
    await ensureGoneAt(session, { schema: request.target.leafSchema, table: request.target.leafTable });
    await analyzeBeside(session, request);
  },
  async describeEffect(session, request) {
    const { target } = request;
    if (!(request.target.complete && (await sawEveryRow(session, request)))) return null;
    const { versions, stage } = await findTables(session, target);
    const present = `from ${versions} version where ${VALID_TO_COLUMN} is null`;
    return {
      present,
      found: `select count(*) from (
        select distinct ${quoteColumns(target.keyColumns)} from ${stage} where ${GONE_AT_COLUMN} is null) as found`,
      lost: `select count(*) ${present} and ${unseen(target, stage)}`,
    };
  },
  async apply(session, request) {
    await refuseOlderPlan(session, request);
    const tables = await findTables(session, request.target);
    await refuseDoubles(session, request, {
      table: `(select * from ${tables.stage} where ${GONE_AT_COLUMN} is null) as read`,
      batchColumn: SYNCED_AT_COLUMN,
    });
    const changes = await session.client.query(findChanges(request.target, tables));
    const gone =
      request.target.complete && (await sawEveryRow(session, request))
        ? await endUnseen(session, request.target, tables)
        : await endGone(session, request.target, tables);
    await endChanged(session, request.target, tables);
    const opened = await openVersions(session, request.target, tables);
    const wanted = changes.rowCount ?? opened;
    await refuseFewer(session, request.target, { table: tables.versions, wanted, inserted: opened });
    // Another table may be finished in the same transaction.
    await session.client.query(`drop table ${tables.stage}, pg_temp.sluice_changes`);
    return { written: opened + gone.ended, deleted: gone.unnoted };
  },
};

/** Both quoted. */
interface Tables {
  versions: string;
  stage: string;
  shape: TableShape;
}

async function findTables(session: Session, target: Target): Promise<Tables> {
  const owner = await findOwner(session, target);
  const versions = { schema: LEDGER_SCHEMA, table: owner?.leafTable ?? "" };
  const stage = { schema: target.leafSchema, table: target.leafTable };
  const shape = owner === null ? null : await readShape(session, versions);
  if (shape === null || (await readShape(session, stage)) === null) throw goneMeanwhile(target);
  return { versions: quoteTable(versions), stage: quoteTable(stage), shape };
}

/**
 * Of each key the newest staged row, where it is not what the current version says. It is valid from its cursor on, if that is
 * a time at which it can have begun: not before the end of the version before. Else from now on.
 */
function findChanges(target: Target, { versions, stage, shape }: Tables): string {
  const key = quoteColumns(target.keyColumns);
  const cursor = target.cursorField === null ? null : quoteIdentifier(target.cursorField);
  // The key too: one that is equal may differ in text, as 1.0 and 1.00 do.
  const data = target.columns.filter(({ provenance }) => !provenance).map(({ name }) => quoteIdentifier(name));
  const image = (alias: string): string => `row(${data.map((column) => `${alias}.${column}`).join(", ")})::record`;
  const differs = `${image("present")} *<> ${image("newest")}`;
  // A complete scan says how the source is now, even where it was set back.
  const newer =
    cursor === null || target.complete
      ? "true"
      : `(present.${cursor} is null or newest.${cursor} >= present.${cursor})`;
  return `
    create temporary table sluice_changes as
    with newest as (
      select distinct on (${key}) ${castColumns(target, shape)}, ${GONE_AT_COLUMN}
      from ${stage}
      order by ${key}, ${cursor === null ? "" : `${cursor} desc nulls last,`} ${SYNCED_AT_COLUMN} desc, ctid desc
    )
    select newest.*, case
      when ${changedAt(target)} >= earliest.moment then ${changedAt(target)}
      else greatest(now(), earliest.moment)
    end as ${VALID_FROM_COLUMN}
    from newest
    left join ${versions} present on ${sameKey(target, "present", "newest")} and present.${VALID_TO_COLUMN} is null
    cross join lateral (
      select coalesce(
        present.${VALID_FROM_COLUMN} + ${A_MOMENT},
        (select max(past.${VALID_TO_COLUMN}) from ${versions} past where ${sameKey(target, "past", "newest")}),
        '-infinity'
      ) as moment
    ) earliest
    where newest.${GONE_AT_COLUMN} is null and (present.${VALID_FROM_COLUMN} is null or (${newer} and ${differs}))`;
}

/** The table's types may be wider than the source's; images compare within one type only. */
function castColumns({ columns }: Target, shape: TableShape): string {
  const types = new Map(shape.columns.map(({ name, type }) => [name, type]));
  return columns
    .map(({ name, type }) => {
      const column = quoteIdentifier(name);
      const wanted = types.get(name) ?? type;
      return wanted === type ? column : `${column}::${wanted} as ${column}`;
    })
    .join(", ");
}

/** Null where the cursor tells no time. Without a zone it is taken as UTC. */
function changedAt({ columns, cursorField }: Target, alias = "newest"): string {
  const cursor = columns.find(({ name }) => name === cursorField);
  if (cursor === undefined || !cursor.type.startsWith("timestamp")) return "null";
  const column = `${alias}.${quoteIdentifier(cursor.name)}`;
  return `case when isfinite(${column}) then ${column}::timestamptz end`;
}

function unseen(target: Target, stage: string): string {
  return `not exists (
    select from ${stage} seen where seen.${GONE_AT_COLUMN} is null and ${sameKey(target, "seen", "version")})`;
}

/** What the source has deleted, and not made again since. At the time of its cursor, where that is one. */
async function endGone({ client }: Session, target: Target, { versions, stage }: Tables): Promise<Ended> {
  const cursor = target.cursorField === null ? null : quoteIdentifier(target.cursorField);
  const isOlder =
    cursor === null
      ? "true"
      : `(version.${cursor} is null or gone.${cursor} is null or version.${cursor} <= gone.${cursor})`;
  const { rowCount } = await client.query(
    `update ${versions} version
     set ${endingAt(`greatest(coalesce(${changedAt(target, "gone")}, now()), version.${VALID_FROM_COLUMN} + ${A_MOMENT})`)}
     from ${stage} gone
     where version.${VALID_TO_COLUMN} is null and gone.${GONE_AT_COLUMN} is not null
       and ${sameKey(target, "gone", "version")} and ${isOlder} and ${unseen(target, stage)}`,
  );
  return { ended: rowCount ?? 0, unnoted: 0 };
}

/** `unnoted`: the source has not told that it deleted them, so no batch has counted them. */
interface Ended {
  ended: number;
  unnoted: number;
}

async function endUnseen({ client }: Session, target: Target, { versions, stage }: Tables): Promise<Ended> {
  const { rows } = await client.query<Record<keyof Ended, string>>(
    `with gone as (
       update ${versions} version set ${endingAt(`greatest(now(), ${VALID_FROM_COLUMN} + ${A_MOMENT})`)}
       where ${VALID_TO_COLUMN} is null and ${unseen(target, stage)}
       returning exists (select from ${stage} noted where ${sameKey(target, "noted", "version")}) as is_noted
     )
     select count(*) as ended, count(*) filter (where not is_noted) as unnoted from gone`,
  );
  return { ended: Number(rows[0]?.ended), unnoted: Number(rows[0]?.unnoted) };
}

async function endChanged({ client }: Session, target: Target, { versions }: Tables): Promise<void> {
  await client.query(
    `update ${versions} version set ${endingAt(`change.${VALID_FROM_COLUMN}`)}
     from pg_temp.sluice_changes change
     where version.${VALID_TO_COLUMN} is null and ${sameKey(target, "version", "change")}`,
  );
}

function endingAt(moment: string): string {
  return `${VALID_TO_COLUMN} = ${moment}, ${RUN_ID_COLUMN} = default, ${SYNCED_AT_COLUMN} = default`;
}

async function openVersions({ client }: Session, target: Target, { versions }: Tables): Promise<number> {
  const columns = quoteColumns([...target.columns.map(({ name }) => name), VALID_FROM_COLUMN]);
  const { rowCount } = await client.query(
    `insert into ${versions} (${columns}) select ${columns} from pg_temp.sluice_changes
     order by ${quoteColumns(target.keyColumns)}`,
  );
  return rowCount ?? 0;
}

function sameKey({ keyColumns }: Target, a: string, b: string): string {
  return keyColumns.map((name) => `${a}.${quoteIdentifier(name)} = ${b}.${quoteIdentifier(name)}`).join(" and ");
}

import { z } from "zod";
import { type ColumnChoice, isChosen } from "../../core/column-choice.ts";
import { TerminalError } from "../../core/errors.ts";
import type { EntityReadSpec } from "../provider.ts";
import type { Relation } from "./catalog.ts";
import { readSpecSchema } from "./read-spec.ts";

/** Of a plan of any version, newer ones among them, what counts here. */
const seenSchema = z.object(readSpecSchema.pick({ policies: true }).shape);

/**
 * What the source still has, and shows to this user no more. Columns would keep their old values and rows would seem to be deleted, and
 * nobody would know. Rows that it shows anew are as bad: no cursor finds them.
 * @param known as the sync's latest plan had it. A full refresh has none, so that it takes what there is
 * @param choice which columns the sync reads; absent: all
 * @returns null where nothing was hidden or shown since then
 */
export function findHidden(
  relation: Relation,
  known: EntityReadSpec,
  choice: ColumnChoice | undefined,
): TerminalError | null {
  return findHiddenColumns(relation, known, choice) ?? findHiddenRows(relation, known);
}

function findHiddenColumns(
  { entityKey, unreadable }: Relation,
  known: EntityReadSpec,
  choice: ColumnChoice | undefined,
): TerminalError | null {
  const read = new Set(known.columns.map(({ name }) => name));
  const hidden = unreadable.filter((name) => read.has(name) && (choice === undefined || isChosen(choice, name)));
  if (hidden.length === 0) return null;
  return new TerminalError(
    "source_permission_denied",
    `postgres: the user may no longer read these columns of ${entityKey}: ${hidden.join(", ")}. The sync has copied them, and they would keep old values.`,
    { fix: "Grant the user `select` on them, or retry with runMode full_refresh to go on without them." },
  );
}

function findHiddenRows({ entityKey, policies }: Relation, known: EntityReadSpec): TerminalError | null {
  const { policies: before } = seenSchema.parse(known.source);
  if (policies === null || before === undefined || before === policies) return null;
  // The text of a policy is another one in each version of Postgres.
  const [version, versionBefore] = [policies, before ?? policies].map((each) => each.split(" ")[0]);
  if (version !== versionBefore) return null;
  const what = before === null ? "Row security hides rows" : "The policies of row security changed";
  return new TerminalError(
    "source_permission_denied",
    `postgres: ${what} of ${entityKey} since it was last copied. Rows that the user sees no more would stay or seem deleted, and rows that it sees now would be missed.`,
    {
      fix: "Give the user BYPASSRLS or a policy that shows what it showed before, or retry with runMode full_refresh to copy what it shows now.",
    },
  );
}

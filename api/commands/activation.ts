import { choicePath, columnChoicesOf } from "../../core/column-choice.ts";
import { findColumnFault } from "../../core/column-faults.ts";
import type { DiscoveredEntity } from "../../core/connection-tasks.ts";
import type { ValidationIssue } from "../../core/errors.ts";
import { findKeyFault } from "../../core/key-faults.ts";
import { canBeKey } from "../../core/key-types.ts";
import { placesIn } from "../../core/places.ts";
import { findProofFault } from "../../core/proof-faults.ts";
import type { BindingDraft } from "../../db/bindings.ts";
import { mapDiscovered } from "../../db/connection-tasks.ts";
import type { ConnectionRow } from "../../db/connections.ts";
import { type BindingRequest, keylessIssues, locOf, unknownEntity } from "../definitions/table-bindings.ts";
import type { ApiDeps } from "../deps.ts";
import { invalid, invalidValue } from "../errors.ts";
import { describeFailure, lookAtConnection } from "./look-at-connection.ts";

/** That a message lists. */
const MOST_NAMES = 10;

type Deps = Pick<ApiDeps, "db" | "control">;

/**
 * A check on a worker that also looks the entities up; what it finds fills what the bindings left open.
 * @throws AppError validation_failed, and what `runConnectionTask` of the control port throws
 */
export async function proveActive(
  deps: Deps,
  { connection, sourceConfig }: { connection: ConnectionRow; sourceConfig: Record<string, unknown> },
  request: BindingRequest,
  bindings: BindingDraft[],
): Promise<BindingDraft[]> {
  const { entities } = request;
  const { taskId, ok, checks, entityChecks } = await lookAtConnection(
    deps,
    connection,
    { entities, sourceConfig },
    null,
  );
  if (!ok && entityChecks.length === 0) throw invalidValue(request.blame, describeFailure(checks));
  const found = await mapDiscovered(deps.db, taskId);
  const unknown = request.entities
    .filter((entityKey) => !found.has(entityKey))
    .map((entityKey) => unknownEntity(request, entityKey));
  const unreadable = entityChecks.map((check) => ({
    loc: check.entityKey === undefined ? request.blame : locOf(request, check.entityKey),
    msg: describeFailure([check]),
    type: "value_error",
  }));
  if (unknown.length + unreadable.length > 0) throw invalid(...unknown, ...unreadable);
  const settled = bindings.map((binding) => fillIn(binding, found.get(binding.entityKey)));
  const issues = [
    ...keylessIssues(request, settled),
    ...keyIssues(request, settled, found),
    ...proofIssues(request, settled, found),
    ...columnIssues(request, settled, found),
    ...choiceIssues(sourceConfig, settled, found),
    ...faultIssues(request, sourceConfig, settled, found),
  ];
  if (issues.length > 0) throw invalid(...issues);
  return settled;
}

/** Keys that the source cannot have. */
function keyIssues(
  request: BindingRequest,
  bindings: BindingDraft[],
  found: Map<string, DiscoveredEntity>,
): ValidationIssue[] {
  return bindings.flatMap(({ entityKey, loadMode, primaryKeyColumns, given }) => {
    // Without key columns it is said already.
    if (loadMode === null || primaryKeyColumns?.length === 0) return [];
    const fault = findKeyFault(found.get(entityKey) ?? {}, { loadMode, given: given.primaryKeyColumns });
    const loc = locOf(request, entityKey);
    return fault === null
      ? []
      : [
          {
            loc: loc[1] === "tableBindings" ? [...loc, "primaryKeyColumns"] : loc,
            msg: `'${entityKey}' ${fault.what}. ${fault.fix}`,
            type: "value_error",
          },
        ];
  });
}

/** Load modes that need a read which can be shown to be complete, where the source has no sign of that. */
function proofIssues(
  request: BindingRequest,
  bindings: BindingDraft[],
  found: Map<string, DiscoveredEntity>,
): ValidationIssue[] {
  return bindings.flatMap(({ entityKey, loadMode, given }) => {
    const fault = loadMode === null ? null : findProofFault(found.get(entityKey) ?? {}, loadMode);
    if (fault === null) return [];
    const loc = locOf(request, entityKey);
    const isNamed = loc[1] === "tableBindings" && given.loadMode !== undefined;
    const msg = `'${entityKey}' ${fault.what}. ${fault.fix}`;
    return [{ loc: isNamed ? [...loc, "loadMode"] : loc, msg, type: "value_error" }];
  });
}

/** Columns that sourceConfig names and the source does not have, and those that it leaves out although they are key or cursor. */
function choiceIssues(
  sourceConfig: Record<string, unknown>,
  bindings: BindingDraft[],
  found: Map<string, DiscoveredEntity>,
): ValidationIssue[] {
  const choices = columnChoicesOf(sourceConfig);
  return bindings.flatMap(({ entityKey, primaryKeyColumns, cursorField }) => {
    const choice = choices.get(entityKey);
    const chosen = found.get(entityKey)?.chosen;
    if (choice === undefined || chosen === undefined) return [];
    const list = choice.columns === undefined ? "exclude" : "columns";
    const names = choice[list] ?? [];
    const loc = ["body", "sourceConfig", ...choicePath(sourceConfig, entityKey), list];
    const at = (name: string) => {
      const place = placesIn(names).get(name);
      return place === undefined ? loc : [...loc, place];
    };
    const used = new Set([...(primaryKeyColumns ?? []), ...(cursorField === null ? [] : [cursorField])]);
    const unknown = chosen.unknown.map((name) => ({ name, msg: `'${entityKey}' has no column '${name}'` }));
    const needed = chosen.leftOut
      .filter((name) => used.has(name))
      .map((name) => ({
        name,
        msg: `'${entityKey}' needs '${name}' as key or cursor: read it, or choose another primaryKeyColumns or cursorField`,
      }));
    return [...unknown, ...needed].map(({ name, msg }) => ({ loc: at(name), msg, type: "value_error" }));
  });
}

/** Columns that a binding names and that every run would refuse: the source does not have them, or they cannot be what they are to be. */
function columnIssues(
  request: BindingRequest,
  bindings: BindingDraft[],
  found: Map<string, DiscoveredEntity>,
): ValidationIssue[] {
  return bindings.flatMap(({ entityKey, given }) => {
    const entity = found.get(entityKey);
    if (entity === undefined) return [];
    const loc = locOf(request, entityKey);
    const named = [
      ...(given.primaryKeyColumns ?? []).map((column, index) => ({
        msg: whyNotKey(entity, column),
        at: ["primaryKeyColumns", index],
      })),
      ...(given.cursorField ? [{ msg: whyNotCursor(entity, given.cursorField), at: ["cursorField"] }] : []),
    ];
    return named.flatMap(({ msg, at }) =>
      // A binding of before is not in the request.
      msg === null ? [] : [{ loc: loc[1] === "tableBindings" ? [...loc, ...at] : loc, msg, type: "value_error" }],
    );
  });
}

/** Columns that no table of the destination can have, and entities of which none is left. */
function faultIssues(
  request: BindingRequest,
  sourceConfig: Record<string, unknown>,
  bindings: BindingDraft[],
  found: Map<string, DiscoveredEntity>,
): ValidationIssue[] {
  const choices = columnChoicesOf(sourceConfig);
  return bindings.flatMap(({ entityKey, loadMode, primaryKeyColumns }) => {
    const entity = found.get(entityKey);
    if (entity === undefined) return [];
    const loc = locOf(request, entityKey);
    const refuse = (what: string, fix: string, at = loc) => [
      { loc: at, msg: `'${entityKey}' cannot be loaded: ${what}. ${fix}`, type: "value_error" },
    ];
    const names = entity.columns.map(({ name }) => name);
    if (names.length === 0)
      return refuse("no column of it is read", `Choose other columns, or take the entity out of the sync.`);
    const fault = findColumnFault(entityKey, {
      names,
      loadMode: loadMode ?? entity.loadMode,
      keyColumns: primaryKeyColumns ?? entity.primaryKeyColumns,
    });
    if (fault === null) return [];
    const chosen = fault.column === null ? -1 : (choices.get(entityKey)?.columns?.indexOf(fault.column) ?? -1);
    const at = ["body", "sourceConfig", ...choicePath(sourceConfig, entityKey), "columns", chosen];
    return refuse(fault.what, fault.fix, chosen === -1 ? loc : at);
  });
}

function whyNotKey(entity: DiscoveredEntity, name: string): string | null {
  const column = entity.columns.find((each) => each.name === name);
  if (column === undefined) return whyMissing(entity, name);
  if (canBeKey(column.type)) return null;
  return `'${entity.entityKey}' cannot have '${name}' in its key: Postgres makes no key of ${column.type}`;
}

/** An older worker does not say which columns can be cursor; then the run does. */
function whyNotCursor(entity: DiscoveredEntity, name: string): string | null {
  const { entityKey, columns, cursorColumns } = entity;
  const column = columns.find((each) => each.name === name);
  if (column === undefined) return whyMissing(entity, name);
  if (cursorColumns === undefined || cursorColumns.includes(name)) return null;
  const choice =
    cursorColumns.length === 0
      ? "It has no column that can be cursor: set cursorField to null"
      : `Choose one of ${cursorColumns.slice(0, MOST_NAMES).join(", ")}`;
  return `'${entityKey}' cannot use '${name}' (${column.type}) as cursor. ${choice}`;
}

/** What the source says now beats what it said for an earlier edit; what the user gave beats both. */
function fillIn(binding: BindingDraft, found: DiscoveredEntity | undefined): BindingDraft {
  if (!found) return binding;
  const { given } = binding;
  return {
    ...binding,
    loadMode: given.loadMode ?? found.loadMode,
    primaryKeyColumns: given.primaryKeyColumns ?? found.primaryKeyColumns,
    cursorField: given.cursorField === undefined ? (found.cursorFields[0] ?? null) : given.cursorField,
  };
}

/** Of what is left out `choiceIssues` tells. */
function whyMissing({ entityKey, chosen }: DiscoveredEntity, name: string): string | null {
  return chosen?.leftOut.includes(name) ? null : `'${entityKey}' has no column '${name}'`;
}

import { parentColumnPath } from "./column-names.ts";
import type { RestChild } from "./declaration.ts";
import {
  type Fault,
  fieldsOf,
  MAX_PAGES,
  type SettledColumn,
  type Shared,
  settleColumns,
} from "./declared-resource.ts";
import type { MoreConfig, NestedConfig, ResourceConfig } from "./resource.ts";
import { parentFieldsIn } from "./templates.ts";

/**
 * A table of what lies inside a resource's records, as the engine reads it. Its path is the listing of one parent's children, where there is one.
 * @param parent as the engine reads it
 * @throws Error where the declaration contradicts itself
 */
export function toChildConfig(shared: Shared, parent: ResourceConfig, child: RestChild): ResourceConfig {
  const fault: Fault = (what) => new Error(`${shared.key}: child ${child.entityKey} of ${parent.name}: ${what}.`);
  const columns = settleColumns({ ...child, parent: {} }, fault);
  const { keepRecord = false, more } = child;
  const listed = {
    ...{ path: more?.path ?? parent.path, query: more?.query ?? {}, headers: more?.headers ?? {} },
    ...{ recordSelector: more?.records ?? shared.records, errorRules: more?.errorRules ?? [] },
  };
  const key = child.primaryKey.map((name) => {
    const path = columns.find((column) => column.name === name)?.path;
    if (path === undefined) throw fault(`the key '${name}' is none of its columns`);
    return path;
  });
  const { incremental } = parent;
  const nested = toNested({ parent, child, columns, fault });
  return {
    name: child.entityKey,
    ...{ displayName: child.displayName, description: child.description },
    ...{ ...listed, errorRules: [...listed.errorRules, ...(shared.errorRules ?? [])] },
    ...{ method: more?.method ?? "GET", ...(more?.json === undefined ? {} : { json: more.json }) },
    ...{ idempotent: true, missingRecords: "fail", primaryKey: key },
    ...{ loadMode: child.loadMode ?? wholeAs(parent), sizeClass: child.sizeClass },
    permission: child.permission ?? parent.permission,
    ...fieldsOf(columns),
    additionalFields: child.otherFields ?? (keepRecord ? "ignore" : "keep"),
    ...{ deleted: child.deleted, nested },
    // Of two versions of a parent's children those of the newer one are good.
    ...(incremental === undefined || nested.cursor === null
      ? {}
      : { incremental: { ...incremental, cursorField: parentColumnPath(nested.cursor) } }),
    mostRecords: more?.mostRecords,
    maxPages: MAX_PAGES,
  };
}

/** Of a parent that is gone no set tells that its children are gone, too: where parents are replaced as a whole, children are. */
function wholeAs({ loadMode }: ResourceConfig): ResourceConfig["loadMode"] {
  return loadMode === "replace" ? "replace" : undefined;
}

function toNested(of: {
  parent: ResourceConfig;
  child: RestChild;
  columns: readonly SettledColumn[];
  fault: Fault;
}): NestedConfig {
  const { parent, child, columns, fault } = of;
  if (parent.primaryKey.length === 0)
    throw fault("its parent has no key, by which one parent's rows are told from another's");
  const fields = columns.flatMap((column) => column.parent ?? []);
  const missing = parent.primaryKey.find((path) => !fields.includes(path));
  if (missing !== undefined) throw fault(`no column has its parent's ${missing}, which is of the parent's key`);
  const cursor = parent.incremental?.cursorField;
  return {
    resource: parent.name,
    ...{ path: child.path, missing: child.missingList ?? "fail", fields, key: parent.primaryKey },
    cursor: cursor !== undefined && fields.includes(cursor) ? cursor : null,
    ...(child.more === undefined ? {} : { more: toMore(child.more, fault) }),
  };
}

function toMore(more: NonNullable<RestChild["more"]>, fault: Fault): MoreConfig {
  const { when, path, query = {}, json, after } = more;
  if (path === undefined && (after !== undefined || more.paginator !== undefined))
    throw fault("the rest of a list is asked for by pages, and `more` has no path");
  const fields = path === undefined ? [] : parentFieldsIn({ path, query, ...(json === undefined ? {} : { json }) });
  if (path !== undefined && fields.length === 0 && after === undefined)
    throw fault("the path of the rest of a list names no field of the parent, so it would list the children of all");
  return {
    ...{ when, isListed: path !== undefined, fields: [...fields, ...(after === undefined ? [] : [after])] },
    ...(after === undefined ? {} : { after }),
  };
}

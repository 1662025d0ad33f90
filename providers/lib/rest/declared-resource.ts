import { parentColumnPath } from "./column-names.ts";
import type {
  RestChild,
  RestColumn,
  RestColumnDetails,
  RestCursor,
  RestDeclaration,
  RestResource,
} from "./declaration.ts";
import { canonicalType } from "./field-types.ts";
import type { DeclaredField, IncrementalConfig, ResourceConfig } from "./resource.ts";
import { WHOLE_RECORD } from "./rows.ts";
import { asksForStart, asksForWindow } from "./templates.ts";
import { isTimeFormat, parseDuration } from "./time-format.ts";

/** Where the untouched record goes. */
export const RECORD_COLUMN = "_record";
const INSTANT = "timestamp with time zone";
export const MAX_PAGES = 100_000;

export type Shared = Pick<RestDeclaration<never, never>, "key" | "records" | "errorRules">;

/**
 * A declared resource as the engine reads it.
 * @throws Error where the declaration contradicts itself: a fault of the connector, found when it is loaded
 */
export function toResourceConfig(shared: Shared, resource: RestResource): ResourceConfig {
  const fault = (what: string): Error => new Error(`${shared.key}: resource ${resource.entityKey}: ${what}.`);
  const columns = settleColumns(resource, fault);
  const byName = new Map(columns.map((column) => [column.name, column]));
  const pathOf = (name: string, what: string): string => {
    const path = byName.get(name)?.path;
    if (path === undefined) throw fault(`${what} '${name}' is none of its columns`);
    return path;
  };
  const { method = "GET", keepRecord = false, cursor, parent } = resource;
  const recordSelector = resource.records ?? shared.records;
  const config: ResourceConfig = {
    name: resource.entityKey,
    displayName: resource.displayName,
    description: resource.description,
    ...{ path: resource.path, method, query: resource.query ?? {}, headers: resource.headers ?? {} },
    ...(resource.json === undefined ? {} : { json: resource.json }),
    ...{ idempotent: resource.idempotent ?? false, format: resource.format, recordSelector },
    missingRecords: resource.missingRecords ?? "fail",
    primaryKey: resource.primaryKey.map((name) => pathOf(name, "the key")),
    ...{ loadMode: resource.loadMode, sizeClass: resource.sizeClass, permission: resource.permission },
    ...fieldsOf(columns),
    additionalFields: resource.otherFields ?? (keepRecord ? "ignore" : "keep"),
    ...(resource.isFeed === true ? { isForExtend: true } : {}),
    ...{ deleted: resource.deleted, lists: resource.children?.flatMap(listPathsOf) },
    ...(cursor === undefined
      ? {}
      : { incremental: toIncremental(cursor, pathOf(cursor.column, "the cursor"), { columns, fault }) }),
    ...(parent === undefined
      ? {}
      : {
          parent: {
            resource: parent.resource,
            fields: columns.flatMap((column) => column.parent ?? []),
            missing: parent.missing ?? "skip",
            concurrency: parent.concurrency ?? 4,
          },
        }),
    errorRules: [...(resource.errorRules ?? []), ...(shared.errorRules ?? [])],
    mostRecords: resource.mostRecords,
    maxPages: resource.maxPages ?? MAX_PAGES,
  };
  checkWindows(config, cursor, fault);
  return config;
}

export interface SettledColumn extends RestColumnDetails {
  name: string;
  path: string;
  required: boolean;
}

export type Fault = (what: string) => Error;

/** @param resource.parent undefined: none of its columns can be of a parent */
export function settleColumns(
  resource: Pick<RestResource, "keepRecord" | "columns"> & { parent?: unknown },
  fault: Fault,
): SettledColumn[] {
  const kept: [string, RestColumn][] = resource.keepRecord
    ? [[RECORD_COLUMN, { type: "jsonb", path: WHOLE_RECORD }]]
    : [];
  const seen = new Map<string, string>();
  return [...Object.entries(resource.columns), ...kept].map(([name, declared]) => {
    const given: RestColumnDetails = typeof declared === "string" ? { type: declared } : declared;
    const type = canonicalType(given.type === "timestamptz" ? INSTANT : given.type);
    if (type === null) throw fault(`column ${name} has the unknown type ${given.type}`);
    if (given.parent !== undefined && resource.parent === undefined)
      throw fault(`column ${name} is of a parent, and there is none`);
    if (given.format !== undefined && (type !== INSTANT || !isTimeFormat(given.format)))
      throw fault(`column ${name} cannot have the format ${given.format}, which is one for instants`);
    const path = given.parent === undefined ? (given.path ?? name) : parentColumnPath(given.parent);
    const other = seen.get(path);
    if (other !== undefined) throw fault(`columns ${other} and ${name} are made of the same field ${path}`);
    seen.set(path, name);
    return { ...given, type, name, path, required: given.required ?? false };
  });
}

/** The list and what says where it goes on: neither is a value of the parent's. */
function listPathsOf({ path, more }: RestChild): string[] {
  const sign = more !== undefined && "path" in more.when ? [more.when.path] : [];
  return [path, ...sign, ...(more?.after === undefined ? [] : [more.after])];
}

export function fieldsOf(columns: readonly SettledColumn[]): Pick<ResourceConfig, "fields" | "declared"> {
  return {
    fields: Object.fromEntries(columns.map(({ path, type }) => [path, type])),
    declared: Object.fromEntries(
      columns.map(({ path, name, required, format }): [string, DeclaredField] => [
        path,
        { column: name, required, ...(format === undefined ? {} : { format }) },
      ]),
    ),
  };
}

function toIncremental(
  cursor: RestCursor,
  cursorField: string,
  { columns, fault }: { columns: SettledColumn[]; fault: Fault },
): IncrementalConfig {
  const { from, to, precision } = cursor;
  const seconds = (name: "lookback" | "safetyLag" | "step" | "precision", usual: number): number => {
    const text = cursor[name];
    const ms = text === undefined ? usual * 1_000 : parseDuration(text);
    if (ms === null) throw fault(`cursor.${name} '${text}' is no ISO 8601 duration`);
    return Math.ceil(ms / 1_000);
  };
  if ((from?.operator === ">" || to?.operator === "<=") && precision === undefined)
    throw fault("its cursor needs a precision, since its API leaves out what lies at the start, or takes in the end");
  for (const name of ["step", "precision"] as const) seconds(name, 0);
  const ownFormat = columns.find(({ name }) => name === cursor.column)?.format;
  const format = cursor.format ?? ownFormat ?? "iso8601";
  if (!isTimeFormat(format)) throw fault(`its cursor has the unknown format ${format}`);
  return {
    cursorField,
    ...{ startParam: from?.param, endParam: to?.param, in: cursor.in ?? "query" },
    ...{ format, cursorFormat: ownFormat ?? "iso8601", initial: cursor.initial },
    lookbackSeconds: seconds("lookback", 0),
    safetyLagSeconds: seconds("safetyLag", 60),
    windowStep: cursor.step,
    granularity: to?.operator === "<=" ? precision : undefined,
    startStep: from?.operator === ">" ? precision : undefined,
    openEnded: cursor.openEnded ?? false,
    ordering: cursor.newestFirst ? "desc" : cursor.oldestFirst ? "asc" : "none",
  };
}

function checkWindows(config: ResourceConfig, cursor: RestCursor | undefined, fault: Fault): void {
  if (cursor?.step === undefined) return;
  if (cursor.initial === undefined) throw fault("steps need to begin somewhere: give its cursor an initial");
  if (!asksForWindow(config)) throw fault("its API cannot be asked in steps: give its cursor from and to");
  if (!asksForStart(config)) throw fault("its API cannot be asked for what is new");
}

import { randomUUID } from "node:crypto";
import { AppError, type ValidationIssue } from "../../core/errors.ts";
import { LOAD_MODE_RULES } from "../../core/load-modes.ts";
import { normaliseName, physicalTableName } from "../../core/naming.ts";
import { placesIn } from "../../core/places.ts";
import type { TableNamingVersion } from "../../core/vocabulary.ts";
import type { BindingDraft, BindingRow } from "../../db/bindings.ts";
import type { BindingGiven } from "../../db/schema.ts";
import type { Provider } from "../../providers/provider.ts";
import type { BindingInput } from "../schemas/bindings.ts";

const DEFAULT_NAMING: TableNamingVersion = "v2";

export interface BindingRequest {
  provider: Provider;
  sourceInstanceKey: string;
  entities: string[];
  /** The request names them; they are the catalog's or those of before otherwise. */
  entitiesNamed: boolean;
  /** As the request gives them; undefined when it does not, so that what was given before still holds. */
  inputs: BindingInput[] | undefined;
  existing: BindingRow[];
  /** The field that brought up what is wrong with an entity that the request does not name. */
  blame: ValidationIssue["loc"];
}

/** One per entity: what the user gave, then what is known already; null where only discovery can say. */
export function draftBindings(request: BindingRequest): BindingDraft[] {
  const inputs = new Map(request.inputs?.map((input) => [input.entityKey, input]));
  const existing = new Map(request.existing.map((binding) => [binding.entityKey, binding]));
  return request.entities.map((entityKey) => {
    const before = existing.get(entityKey) ?? null;
    const given = request.inputs ? givenIn(inputs.get(entityKey)) : (before?.given ?? {});
    const names = namesOf(request, entityKey, given, before);
    const declared = request.provider.resources.find((resource) => resource.entityKey === entityKey) ?? null;
    const known = discoveredIn(before);
    return {
      id: before?.id ?? randomUUID(),
      entityKey,
      ...names,
      loadMode: given.loadMode ?? known.loadMode ?? declared?.loadMode ?? null,
      primaryKeyColumns: given.primaryKeyColumns ?? known.primaryKeyColumns,
      cursorField:
        given.cursorField === undefined ? (known.cursorField ?? declared?.cursorField ?? null) : given.cursorField,
      given,
    };
  });
}

/** What is wrong with the bindings of a request as they stand next to each other and to its entities. */
export function bindingIssues(request: BindingRequest, drafts: BindingDraft[]): ValidationIssue[] {
  const issues: ValidationIssue[] = [];
  const seen = new Set<string>();
  for (const [index, { entityKey }] of (request.inputs ?? []).entries()) {
    const loc = ["body", "tableBindings", index, "entityKey"];
    if (seen.has(entityKey)) issues.push({ loc, msg: `'${entityKey}' has two bindings`, type: "value_error" });
    else if (!placesIn(request.entities).has(entityKey)) {
      issues.push({ loc, msg: `'${entityKey}' is not among the sync's entities`, type: "value_error" });
    }
    seen.add(entityKey);
  }
  const takenBy = new Map<string, string>();
  for (const { entityKey, physicalTableName: table } of drafts) {
    const other = takenBy.get(table);
    if (other === undefined) takenBy.set(table, entityKey);
    else {
      const msg = `'${entityKey}' and '${other}' would both be loaded into table ${table}; give one of them a tableName`;
      issues.push({ loc: locOf(request, entityKey), msg, type: "value_error" });
    }
  }
  return [...issues, ...keylessIssues(request, drafts)];
}

/** Entities of which it is known that they have no key, and whose load mode needs one. */
export function keylessIssues(request: BindingRequest, drafts: BindingDraft[]): ValidationIssue[] {
  const keyless = drafts.filter(
    ({ loadMode, primaryKeyColumns }) =>
      loadMode !== null && LOAD_MODE_RULES[loadMode].needsKey && primaryKeyColumns?.length === 0,
  );
  return keyless.map(({ entityKey, loadMode, given }) => {
    const loc = locOf(request, entityKey);
    const msg = `'${entityKey}' has no key, and load mode ${loadMode} needs one: give primaryKeyColumns or another loadMode`;
    if (inputOf(request, entityKey) === null) return { loc, msg, type: "value_error" };
    const type = given.primaryKeyColumns === undefined ? "missing" : "value_error";
    return { loc: [...loc, "primaryKeyColumns"], msg, type };
  });
}

/** Where the request speaks of an entity: among the bindings, or else only as an entity, or else not at all. */
export function locOf(request: BindingRequest, entityKey: string): ValidationIssue["loc"] {
  const index = inputOf(request, entityKey);
  return index === null ? locOfEntity(request, entityKey) : ["body", "tableBindings", index];
}

export function unknownEntity(request: BindingRequest, entityKey: string): ValidationIssue {
  const msg = `${request.provider.displayName} has no '${entityKey}'`;
  return { loc: locOfEntity(request, entityKey), msg, type: "value_error" };
}

function locOfEntity({ entities, entitiesNamed, blame }: BindingRequest, entityKey: string): ValidationIssue["loc"] {
  return entitiesNamed ? ["body", "entities", placesIn(entities).get(entityKey) ?? -1] : blame;
}

function inputOf({ inputs }: BindingRequest, entityKey: string): number | null {
  return inputs === undefined ? null : (placesIn(keysOf(inputs)).get(entityKey) ?? null);
}

const KEYS = new WeakMap<readonly BindingInput[], readonly string[]>();

/** The same list each time, as `placesIn` needs it. */
function keysOf(inputs: readonly BindingInput[]): readonly string[] {
  const known = KEYS.get(inputs) ?? inputs.map(({ entityKey }) => entityKey);
  KEYS.set(inputs, known);
  return known;
}

function givenIn(input: BindingInput | undefined): BindingGiven {
  if (!input) return {};
  const { entityKey: _, ...given } = input;
  return given;
}

/** What discovery settled for an earlier version of this binding, as opposed to what was given then. */
function discoveredIn(before: BindingRow | null) {
  return {
    loadMode: before?.given.loadMode === undefined ? (before?.loadMode ?? null) : null,
    primaryKeyColumns: before?.given.primaryKeyColumns === undefined ? (before?.primaryKeyColumns ?? null) : null,
    cursorField: before?.given.cursorField === undefined ? (before?.cursorField ?? null) : null,
  };
}

/** @throws AppError binding_frozen when the request names another table than the one that rows were loaded into */
function namesOf(request: BindingRequest, entityKey: string, given: BindingGiven, before: BindingRow | null) {
  const names = {
    sourceInstanceKey: request.sourceInstanceKey,
    logicalTableName: normaliseName(entityKey),
    tableName: given.tableName ?? null,
    tableNamingVersion: given.tableNamingVersion ?? DEFAULT_NAMING,
  };
  const table = physicalTableName({ provider: request.provider.key, ...names });
  if (before === null || before.frozenAt === null) return { ...names, physicalTableName: table };
  // What was given before names the same table, also where a name would be made otherwise by now.
  const renamed =
    (given.tableName !== undefined && given.tableName !== before.tableName) ||
    (given.tableNamingVersion !== undefined && given.tableNamingVersion !== before.tableNamingVersion);
  if (renamed && table !== before.physicalTableName) {
    throw new AppError(
      "binding_frozen",
      `'${entityKey}' is already loaded into table ${before.physicalTableName}; its name cannot change any more.`,
      { extra: { entityKey, physicalTableName: before.physicalTableName } },
    );
  }
  const { sourceInstanceKey, logicalTableName, tableName, tableNamingVersion } = before;
  return {
    sourceInstanceKey,
    logicalTableName,
    tableName,
    tableNamingVersion,
    physicalTableName: before.physicalTableName,
  };
}

import type { RestChild, RestColumn, RestDeclaration, RestPaginator, RestResource } from "../rest/declaration.ts";
import type { ErrorRule } from "../rest/resource.ts";
import type {
  GraphqlChild,
  GraphqlColumn,
  GraphqlConnection,
  GraphqlDeclaration,
  GraphqlResource,
} from "./declaration.ts";
import { changesOf, connectionOf, deletionsOf } from "./documents.ts";
import { detailsOf } from "./selection.ts";

/** The mark of a record that stands for a deletion. */
export const GONE = "__gone";

/** Relay's pages. https://relay.dev/graphql/connections.htm#sec-undefined.PageInfo */
function relay(connection: string): RestPaginator {
  return {
    type: "cursor",
    nextPath: `${connection}.pageInfo.endCursor`,
    param: "after",
    in: "body",
    stopWhen: { path: `${connection}.pageInfo.hasNextPage`, equals: false },
  };
}

const WINDOW = { start: "{start}", end: "{end}" };
/** Search by `>` leaves out what lies at the second, and some vendors' `>=` does so, too. */
const BOUNDS = {
  from: { operator: ">" },
  to: { operator: "<" },
  precision: "PT1S",
  openEnded: true,
} as const;

/** A record is in the table and not yet in the search index: what is younger waits for the next run. */
const SEARCH_LAG = "PT3M";
/** Of an object that was listed a moment ago. */
const GONE_MEANWHILE: ErrorRule = { path: "data.node", equals: null, action: "ignore" };

/** A GraphQL connector as the REST engine reads it: each connection is a listing. */
export function toRest<Config, SecretName extends string>(
  declaration: GraphqlDeclaration<Config, SecretName>,
): RestDeclaration<Config, SecretName> {
  const { resources, endpoint, mostRecords, deletions, extend: _, ...shared } = declaration;
  const common = { path: endpoint, method: "POST", idempotent: true, otherFields: "ignore" } as const;
  const bounded = mostRecords === undefined ? {} : { mostRecords };

  function toResource(resource: GraphqlResource): RestResource {
    const { root, within, cursor, children, permission, loadMode, defaultSelected } = resource;
    const isSearched = typeof cursor?.term === "string";
    const at = within === undefined ? `data.${root}` : `data.${within}.${root}`;
    return {
      ...{ entityKey: resource.entityKey, displayName: resource.displayName, description: resource.description },
      ...common,
      ...(resource.isSingle ? {} : bounded),
      json: { call: resource.entityKey, ...(isSearched ? WINDOW : {}) },
      records: resource.isSingle ? at : `${at}.nodes`,
      paginator: resource.isSingle ? { type: "single" } : relay(at),
      columns: columnsOf(resource.columns),
      primaryKey: resource.primaryKey,
      ...(cursor === undefined
        ? {}
        : {
            cursor: {
              ...BOUNDS,
              column: cursor.column,
              safetyLag: SEARCH_LAG,
              oldestFirst: isSearched && cursor.isOrdered,
              newestFirst: !isSearched,
              ...defined({ lookback: cursor.lookback }),
            },
          }),
      ...(resource.deletions === undefined || deletions === undefined ? {} : { deleted: { path: GONE } }),
      ...(children === undefined ? {} : { children: children.map(toChild) }),
      sizeClass: resource.sizeClass,
      ...defined({ permission, loadMode, defaultSelected }),
    };
  }

  function toChild(child: GraphqlChild): RestChild {
    const { field, permission, defaultSelected } = child;
    return {
      ...{ entityKey: child.entityKey, displayName: child.displayName, description: child.description },
      path: "list" in field ? field.list : `${placeOf(field)}.nodes`,
      ...("list" in field || (field.under === undefined && !field.mayBeNull) ? {} : { missingList: "empty" as const }),
      columns: columnsOf(child.columns),
      primaryKey: child.primaryKey,
      otherFields: "ignore",
      ...("list" in field ? {} : { more: moreOf(child) }),
      sizeClass: child.sizeClass,
      ...defined({ permission, defaultSelected }),
    };
  }

  function moreOf(child: GraphqlChild): NonNullable<RestChild["more"]> {
    const connection = placeOf(connectionOf(child));
    return {
      when: { path: `${connection}.pageInfo.hasNextPage`, equals: true },
      path: endpoint,
      method: "POST",
      json: { call: child.entityKey, id: "{parent.id}" },
      records: `data.node.${connection}.nodes`,
      paginator: relay(`data.node.${connection}`),
      after: `${connection}.pageInfo.endCursor`,
      ...bounded,
    };
  }

  /** Children that changed without their parent, with the columns that the child has. */
  function toChanges({ entityKey, columns, primaryKey, changes, sizeClass, ...child }: GraphqlChild): RestResource[] {
    if (changes === undefined) return [];
    const { connection, of, column, parentField } = changes;
    const at = of === undefined ? `data.${connection}` : `data.node.${connection}`;
    return [
      {
        ...{ entityKey: changesOf(entityKey), displayName: child.displayName, description: child.description },
        ...{ ...common, ...bounded, sizeClass, primaryKey },
        json: { call: changesOf(entityKey), ...WINDOW, ...(of === undefined ? {} : { id: "{parent.id}" }) },
        records: `${at}.nodes`,
        paginator: relay(at),
        columns: columnsOf(columns, parentField),
        cursor: { ...BOUNDS, column },
        ...(of === undefined ? {} : { parent: { resource: of.resource }, errorRules: [GONE_MEANWHILE] }),
        ...defined({ permission: child.permission }),
      },
    ];
  }

  function toDeletions({ entityKey, displayName, deletions: told }: GraphqlResource): RestResource[] {
    if (told === undefined || deletions === undefined) return [];
    const { root, at, key, subject, proof } = deletions;
    return [
      {
        entityKey: deletionsOf(entityKey),
        displayName,
        description: "What was deleted.",
        ...{ ...common, ...bounded, sizeClass: "s" },
        json: { call: deletionsOf(entityKey), ...WINDOW },
        records: `data.${root}.nodes`,
        paginator: relay(`data.${root}`),
        columns: {
          key: { type: "text", path: key, required: true },
          at: { type: "timestamptz", path: at, required: true },
          subject: { type: "text", path: subject },
          proof: { type: "text", path: proof.path },
        },
        primaryKey: [],
        cursor: { ...BOUNDS, column: "at", oldestFirst: true },
      },
    ];
  }

  return {
    ...shared,
    resources: resources.map(toResource),
    listings: resources.flatMap((resource) => [
      ...toDeletions(resource),
      ...(resource.children ?? []).flatMap(toChanges),
    ]),
  };
}

/** Where the parent's node has the connection. */
export function placeOf({ connection, under }: GraphqlConnection): string {
  return under === undefined ? connection : `${under.path}.${connection}`;
}

/** @param parentField where a record has its parent, whose fields come otherwise from the parent's own record */
function columnsOf(columns: Record<string, GraphqlColumn>, parentField?: string): Record<string, RestColumn> {
  return Object.fromEntries(
    Object.entries(columns).map(([name, column]): [string, RestColumn] => {
      const { select: _, elementTerm: __, nodes, parent, path: at, ...details } = detailsOf(name, column);
      const path = nodes === undefined ? at : `${at}.nodes`;
      if (parent === undefined) return [name, { ...details, path }];
      return [
        name,
        parentField === undefined ? { ...details, parent } : { ...details, path: `${parentField}.${parent}` },
      ];
    }),
  );
}

function defined<T extends Record<string, unknown>>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const there = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

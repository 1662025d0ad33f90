import { readFileSync } from "node:fs";
import {
  buildSchema,
  NoDeprecatedCustomRule,
  parse,
  TypeInfo,
  type VariableNode,
  validate,
  visit,
  visitWithTypeInfo,
} from "graphql";
import { describe, expect, it } from "vitest";
import { composeDocuments, exportQuery } from "../../../providers/lib/graphql/documents.ts";
import { CANCEL, FIND, POLL, RUN } from "../../../providers/shopify/bulk.ts";
import { shopifyDeclaration } from "../../../providers/shopify/index.ts";
import { SCOPES } from "../../../providers/shopify/scopes.ts";
import { bulkFaultOf } from "../../simulators/shopify/bulk-rules.ts";

/** The published schema of the version that the connector asks for. */
const schema = buildSchema(
  readFileSync(new URL("../../simulators/shopify/admin-2026-10.graphql", import.meta.url), "utf8"),
  { assumeValid: true },
);
const { resources } = shopifyDeclaration;
const documents = [...composeDocuments(shopifyDeclaration, null)];

const faultsOf = (text: string): string[] => validate(schema, parse(text)).map(({ message }) => message);

describe("queries against the published schema", () => {
  it.each(documents.map(([name, { text }]) => [name, text]))("%s", (_, text) => {
    expect(faultsOf(text)).toEqual([]);
  });

  it.each(resources.map((resource) => [resource.entityKey, resource] as const))(
    "%s without its children",
    (name, resource) => {
      const wanted = new Map([[name, new Set(Object.keys(resource.columns).slice(0, 3))]]);
      const [, document] = [...composeDocuments({ ...shopifyDeclaration, resources: [resource] }, wanted)][0] ?? [];
      expect(faultsOf(document?.text ?? "")).toEqual([]);
      expect(document?.inner).toBeNull();
    },
  );

  it.each([
    ["the run of a bulk operation", RUN],
    ["its state", POLL],
    ["its cancelling", CANCEL],
    ["those that were made before", FIND],
    ["scopes", SCOPES],
  ])("%s", (_, text) => expect(faultsOf(text)).toEqual([]));

  it.each(
    resources.filter(({ isExportable }) => isExportable).map((resource) => [resource.entityKey, resource] as const),
  )("%s in bulk, with four children at most", (name, resource) => {
    const children = (resource.children ?? []).filter(({ isPagedOnly }) => !isPagedOnly);
    const connections = children.filter(({ field }) => "connection" in field).slice(0, 4);
    const lists = children.filter(({ field }) => "list" in field);
    const entities = [resource, ...connections, ...lists];
    const wanted = new Map(entities.map(({ entityKey, columns }) => [entityKey, new Set(Object.keys(columns))]));
    const text = exportQuery(
      resource,
      wanted,
      resource.isSearchable === false ? null : `updated_at:>='2026-01-01T00:00:00Z'`,
    );
    expect(faultsOf(text), name).toEqual([]);
    expect(bulkFaultOf(parse(text)), name).toBeNull();
  });

  // What replaces it came with 2026-10, has other values, and older versions lack it.
  const KEPT = /CustomerPhoneNumber\.marketingState/;

  it.each(
    documents.flatMap(([name, { text, term }]) =>
      text.includes("$search") && term !== null ? [[name, text, term] as const] : [],
    ),
  )("%s: the search knows its term", (_, text, term) => {
    const types = new TypeInfo(schema);
    const filters: string[] = [];
    const onVariable = ({ name }: VariableNode): void => {
      const argument = types.getArgument();
      // Null where the query declares it.
      if (name.value === "search" && argument != null) filters.push(argument.description ?? "");
    };
    visit(parse(text), visitWithTypeInfo(types, { Variable: onVariable }));
    expect(filters).toEqual([expect.stringMatching(new RegExp(`\\s${term}:time\\b`))]);
  });

  it("asks for no field that Shopify has deprecated", () => {
    for (const [name, { text }] of documents) {
      const used = validate(schema, parse(text), [NoDeprecatedCustomRule]);
      expect(
        used.map(({ message }) => message).filter((message) => !KEPT.test(message)),
        name,
      ).toEqual([]);
    }
  });
});

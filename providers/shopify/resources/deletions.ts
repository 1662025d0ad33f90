import type { GraphqlDeletions, GraphqlResource } from "../../lib/graphql/declaration.ts";
import { fields } from "../columns.ts";

/** Shopify keeps events for a year. https://shopify.dev/docs/api/admin-graphql/latest/queries/events */
export const DELETIONS: GraphqlDeletions = {
  root: "events",
  args: "sortKey: CREATED_AT",
  select: "... on BasicEvent { action subjectType subjectId createdAt }",
  terms: (subjects) => {
    const types = subjects.map((subject) => `subject_type:${subject}`);
    return `action:destroy AND ${types.length === 1 ? types[0] : `(${types.join(" OR ")})`}`;
  },
  term: "created_at",
  key: "subjectId",
  at: "createdAt",
  subject: "subjectType",
  // Shopify ignores a search term that it does not know: what it lists is looked at again.
  proof: { path: "action", equals: "destroy" },
};

export const deletions: GraphqlResource = {
  entityKey: "deletions",
  displayName: "Deletions",
  description: "What was deleted in the shop in the last year, of every kind that Shopify keeps events for.",
  root: "events",
  type: "BasicEvent",
  args: "sortKey: CREATED_AT",
  terms: "action:destroy AND comments:false",
  unions: { "": ["BasicEvent"] },
  columns: {
    ...fields("text", "subjectType subjectId id action message appTitle author"),
    created_at: { type: "timestamptz", path: "createdAt", required: true },
  },
  primaryKey: ["subject_type", "subject_id"],
  cursor: { column: "created_at", term: "created_at", isOrdered: true },
  pageSize: 250,
  sizeClass: "s",
  defaultSelected: false,
};

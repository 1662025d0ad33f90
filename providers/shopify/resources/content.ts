import type { GraphqlColumn, GraphqlResource } from "../../lib/graphql/declaration.ts";
import { fields, ID, references } from "../columns.ts";
import { metafieldsOf } from "./metafields.ts";

/** Shopify types it as one that may be null. */
const UPDATED_AT: Record<string, GraphqlColumn> = { updated_at: { type: "timestamptz", path: "updatedAt" } };

const COMMON = { isExportable: true, permission: "read_content", defaultSelected: false } as const;

const blogs: GraphqlResource = {
  ...COMMON,
  entityKey: "blogs",
  displayName: "Blogs",
  description: "Blogs of the online store.",
  root: "blogs",
  type: "Blog",
  columns: {
    ...ID,
    ...fields("text", "title handle commentPolicy templateSuffix"),
    ...fields("jsonb", "tags"),
    ...fields("timestamptz", "createdAt"),
    ...UPDATED_AT,
  },
  primaryKey: ["id"],
  cursor: { column: "updated_at", term: "updated_at", isOrdered: false },
  pageSize: 100,
  childPageSize: 10,
  children: [metafieldsOf("blog")],
  deletions: { subjects: ["BLOG"] },
  sizeClass: "xs",
};

const articles: GraphqlResource = {
  ...COMMON,
  entityKey: "articles",
  displayName: "Articles",
  description: "Articles of the online store's blogs.",
  root: "articles",
  type: "Article",
  args: "sortKey: UPDATED_AT",
  columns: {
    ...ID,
    ...references("blog"),
    ...fields("text", "title handle body summary templateSuffix"),
    author_name: { type: "text", path: "author.name" },
    image_url: { type: "text", path: "image.url" },
    ...fields("jsonb", "tags"),
    ...fields("boolean", "isPublished"),
    ...fields("timestamptz", "createdAt publishedAt"),
    ...UPDATED_AT,
  },
  primaryKey: ["id"],
  cursor: { column: "updated_at", term: "updated_at", isOrdered: true },
  pageSize: 50,
  childPageSize: 10,
  children: [metafieldsOf("article")],
  deletions: { subjects: ["ARTICLE"] },
  sizeClass: "s",
};

const comments: GraphqlResource = {
  ...COMMON,
  entityKey: "comments",
  displayName: "Comments",
  description: "Comments of readers on articles.",
  root: "comments",
  type: "Comment",
  columns: {
    ...ID,
    ...references("article"),
    ...fields("text", "body status ip userAgent"),
    author_name: { type: "text", path: "author.name" },
    author_email: { type: "text", path: "author.email" },
    ...fields("boolean", "isPublished"),
    ...fields("timestamptz", "createdAt publishedAt"),
    ...UPDATED_AT,
  },
  primaryKey: ["id"],
  cursor: { column: "updated_at", term: "updated_at", isOrdered: false },
  pageSize: 100,
  deletions: { subjects: ["COMMENT"] },
  sizeClass: "s",
};

const pages: GraphqlResource = {
  ...COMMON,
  entityKey: "pages",
  displayName: "Pages",
  description: "Pages of the online store, such as the one about the shop.",
  root: "pages",
  type: "Page",
  args: "sortKey: UPDATED_AT",
  columns: {
    ...ID,
    ...fields("text", "title handle body bodySummary templateSuffix"),
    ...fields("boolean", "isPublished"),
    ...fields("timestamptz", "createdAt publishedAt"),
    ...UPDATED_AT,
  },
  primaryKey: ["id"],
  cursor: { column: "updated_at", term: "updated_at", isOrdered: true },
  pageSize: 50,
  childPageSize: 10,
  children: [metafieldsOf("page")],
  deletions: { subjects: ["PAGE"] },
  sizeClass: "xs",
};

export const CONTENT = [blogs, articles, comments, pages];

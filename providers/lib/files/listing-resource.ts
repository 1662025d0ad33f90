import type { ResourceDeclaration } from "../../provider.ts";
import { LISTING_KEY } from "./config.ts";

/** The listing of all files as a table. For a provider's `resources`. */
export const LISTING_RESOURCE: ResourceDeclaration = {
  entityKey: LISTING_KEY,
  displayName: "Files",
  description: "All files that the connection shows, one row each.",
  cursorField: null,
  defaultSelected: false,
  dependsOn: [],
  loadMode: "replace",
  sizeClass: "m",
  slicing: { by: "none" },
  storageKind: "postgres",
  storageDescription: "One row for each file, as the last run has seen it.",
  configSchema: null,
  columns: [
    { name: "file_id", type: "text", nullable: false, path: null, description: "As the provider tells files apart." },
    { name: "path", type: "text", nullable: false, path: null, description: null },
    { name: "version_token", type: "text", nullable: false, path: null, description: "Changes with the content." },
    { name: "size_bytes", type: "bigint", nullable: true, path: null, description: null },
    { name: "modified_at", type: "timestamp with time zone", nullable: true, path: null, description: null },
  ],
  primaryKey: ["file_id"],
};

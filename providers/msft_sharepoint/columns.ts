import type { RestColumn } from "../lib/rest/declaration.ts";

/** Columns that several tables have. */

export function personColumns(prefix: string, path: string, did: string): Record<string, RestColumn> {
  return {
    [`${prefix}_id`]: { type: "text", path: `${path}.user.id`, description: `Entra id of the user who ${did}.` },
    [`${prefix}_name`]: { type: "text", path: `${path}.user.displayName`, description: `Name of the user who ${did}.` },
    [`${prefix}_email`]: { type: "text", path: `${path}.user.email`, description: `Email of the user who ${did}.` },
    [`${prefix}_app`]: {
      type: "text",
      path: `${path}.application.displayName`,
      description: `Name of the app that ${did}.`,
    },
  };
}

/** Those of `baseItem`. https://learn.microsoft.com/graph/api/resources/baseitem */
export const baseColumns: Record<string, RestColumn> = {
  web_url: { type: "text", path: "webUrl", description: "Address in a browser." },
  description: { type: "text", description: "What its owner has written about it." },
  created_at: { type: "timestamptz", path: "createdDateTime" },
  modified_at: { type: "timestamptz", path: "lastModifiedDateTime" },
};

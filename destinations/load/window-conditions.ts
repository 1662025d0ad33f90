import { escapeLiteral } from "pg";
import { isInPart, rowText } from "../../core/digests.ts";
import { TerminalError } from "../../core/errors.ts";
import type { Window } from "../../core/slices.ts";
import { quoteColumns, quoteIdentifier } from "../sql.ts";

/**
 * The rows of a window as the destination has them. A window by key is the same at both ends only for keys that all servers
 * order alike; by time only for a cursor of the source's own type.
 * @returns SQL; empty where the window is everything
 * @throws TerminalError config_invalid for a part, which only its provider understands
 */
export function windowConditions(window: Window): string[] {
  switch (window.by) {
    case "none":
      return [];
    case "key":
      return [
        ...(window.from === null ? [] : [compareKey(window.columns, ">", window.from)]),
        ...(window.to === null ? [] : [compareKey(window.columns, "<=", window.to)]),
      ];
    case "time": {
      const column = quoteIdentifier(window.column);
      const bounds = [
        ...(window.from === null ? [] : [`${column} ${window.after ? ">" : ">="} ${escapeLiteral(window.from)}`]),
        ...(window.to === null ? [] : [`${column} < ${escapeLiteral(window.to)}`]),
      ];
      return bounds.length > 0 ? bounds : [`${column} is not null`];
    }
    case "part":
      throw new TerminalError("config_invalid", "The rows of a part cannot be told from others in their table.", {
        fix: "Choose loadMode upsert, or run the sync with runMode full_refresh.",
      });
    case "hash":
      return [isInPart(rowText(window.columns.map(({ name }) => quoteIdentifier(name))), window)];
  }
}

/** Literals without a type take that of their column. */
function compareKey(columns: string[], operator: ">" | "<=", values: string[]): string {
  return `(${quoteColumns(columns)}) ${operator} (${values.map(escapeLiteral).join(", ")})`;
}

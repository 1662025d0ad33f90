import { RE2JS, RE2JSException } from "re2js";
import { TerminalError } from "../../../core/errors.ts";
import type { FileResource } from "./config.ts";

/** Columns that are made of a file's path. */
export interface PathParts {
  /** Those that are known without any path. */
  names: string[];
  /** Null for a part that is there and says that there is no value. */
  of(path: string): Record<string, string | null>;
}

const NONE: PathParts = { names: [], of: () => noParts() };

/** How Hive writes a partition whose value is NULL. */
const HIVE_NULL = "__HIVE_DEFAULT_PARTITION__";
const HIVE_PART = /^([^=]+)=(.*)$/;

/** @throws TerminalError config_invalid */
export function createPathParts({ name, pathParts }: Pick<FileResource, "name" | "pathParts">): PathParts {
  if (pathParts === undefined) return NONE;
  return pathParts === "hive" ? { names: [], of: hiveParts } : regexParts(name, pathParts.regex);
}

/** Without what every object inherits: a folder may be called `constructor=1`. */
function noParts(): Record<string, string | null> {
  return Object.create(null);
}

function hiveParts(path: string): Record<string, string | null> {
  const parts = noParts();
  for (const folder of path.split("/").slice(0, -1)) {
    const [, key, value] = HIVE_PART.exec(folder) ?? [];
    if (key !== undefined && value !== undefined) parts[key] = value === HIVE_NULL ? null : decodePercent(value);
  }
  return parts;
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

/** RE2 takes time in proportion to the path, whatever the expression is, and has nothing that could not be searched so. */
function regexParts(name: string, regex: string): PathParts {
  const pattern = compile(name, regex);
  const names = Object.keys(pattern.namedGroups());
  if (names.length === 0) {
    throw new TerminalError("config_invalid", `${name}: pathParts.regex has no named group.`, {
      fix: "Name the parts of the path that are to be columns, such as (?<region>[^/]+).",
    });
  }
  return {
    names,
    of(path) {
      const match = pattern.matcher(path);
      const parts = noParts();
      if (match.find()) for (const part of names) parts[part] = match.group(part);
      return parts;
    },
  };
}

function compile(name: string, regex: string): RE2JS {
  try {
    return RE2JS.compile(regex);
  } catch (cause) {
    if (!(cause instanceof RE2JSException)) throw cause;
    throw new TerminalError("config_invalid", `${name}: pathParts.regex cannot be used: ${cause.message}.`, {
      fix: "Use the syntax of RE2, which has no lookaround and no backreferences.",
      cause,
    });
  }
}

import { TerminalError } from "../../../core/errors.ts";
import type { FileResource } from "./config.ts";
import { compileGlob, type Glob } from "./glob.ts";
import { createPathParts, type PathParts } from "./path-parts.ts";
import type { ListedFile } from "./store.ts";

/** A resource whose patterns are ready for use. */
export interface CompiledResource {
  config: FileResource;
  /** What every path of the resource begins with. */
  prefix: string;
  parts: PathParts;
  /** Is it one of the resource's files? */
  has(file: ListedFile): boolean;
  /** Why a file of the resource is not to be read, for people; null where it is. */
  whyIgnored(file: ListedFile): string | null;
  isTooYoung(file: ListedFile, now: number): boolean;
}

/** @throws TerminalError config_invalid */
export function compileResource(config: FileResource, minAgeSeconds: number): CompiledResource {
  const glob = compile(config.name, "pathGlob", config.pathGlob);
  const ignored = config.ignore.map((pattern) => compile(config.name, "ignore", pattern));
  const minAgeMs = (config.minAgeSeconds ?? minAgeSeconds) * 1_000;
  return {
    config,
    prefix: glob.prefix,
    parts: createPathParts(config),
    has: ({ path }) =>
      glob.matches(path) && !path.split("/").some((segment) => ignored.some(({ matches }) => matches(segment))),
    whyIgnored({ unreadable, sizeBytes }) {
      if (unreadable !== undefined) return unreadable;
      if (sizeBytes === null || sizeBytes <= config.maxFileBytes) return null;
      return `it has ${sizeBytes.toLocaleString("en-US")} bytes, more than maxFileBytes (${config.maxFileBytes.toLocaleString("en-US")})`;
    },
    isTooYoung: ({ modifiedAt }, now) => minAgeMs > 0 && modifiedAt !== null && now - Date.parse(modifiedAt) < minAgeMs,
  };
}

function compile(name: string, field: string, pattern: string): Glob {
  try {
    return compileGlob(pattern);
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof RangeError)) throw cause;
    throw new TerminalError("config_invalid", `${name}: ${field} ${JSON.stringify(pattern)}: ${cause.message}`, {
      fix: "Correct the pattern.",
      cause,
    });
  }
}

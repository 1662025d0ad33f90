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
  const isIgnored = createIgnore(config);
  const minAgeMs = (config.minAgeSeconds ?? minAgeSeconds) * 1_000;
  return {
    config,
    prefix: glob.prefix,
    parts: createPathParts(config),
    has: ({ path }) => glob.matches(path) && !isIgnored(path),
    whyIgnored({ unreadable, sizeBytes }) {
      if (unreadable !== undefined) return unreadable;
      if (sizeBytes === null || sizeBytes <= config.maxFileBytes) return null;
      return `it has ${sizeBytes.toLocaleString("en-US")} bytes, more than maxFileBytes (${config.maxFileBytes.toLocaleString("en-US")})`;
    },
    isTooYoung: ({ modifiedAt }, now) => minAgeMs > 0 && modifiedAt !== null && now - Date.parse(modifiedAt) < minAgeMs,
  };
}

/** Has the path a segment that is left out? Files of one folder follow each other, so its folders are looked at once. */
function createIgnore({ name, ignore }: FileResource): (path: string) => boolean {
  const patterns = ignore.map((pattern) => compile(name, "ignore", pattern));
  const isOut = (segment: string): boolean => patterns.some(({ matches }) => matches(segment));
  let [folder, isFolderOut] = ["", false];
  return (path) => {
    const nameFrom = path.lastIndexOf("/") + 1;
    if (folder.length !== nameFrom || !path.startsWith(folder)) {
      folder = path.slice(0, nameFrom);
      isFolderOut = nameFrom > 0 && folder.slice(0, -1).split("/").some(isOut);
    }
    return isFolderOut || isOut(path.slice(nameFrom));
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

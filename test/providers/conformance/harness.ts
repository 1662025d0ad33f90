import type { Provider } from "../../../providers/provider.ts";

/**
 * What a provider's test hands in: a source with one entity of some 200 rows, several of them with the same cursor. What a kind of source
 * does not have is left out, and the checks that need it with it.
 */
export interface ProviderHarness {
  provider: Provider;
  /** It is a test's own, and in no registry. */
  unregistered?: true;
  config: Record<string, unknown>;
  secrets: Record<string, string>;
  sourceConfig: Record<string, unknown>;
  /** Each is refused by `connectionSchema`. */
  invalidConfigs: Record<string, unknown>[];
  /** Secrets that the source refuses. Absent: it asks for none. */
  wrongSecrets?: Record<string, string>;
  /** `cursorField` is null for sources that are only read whole, and for those with a feed. */
  entity: { entityKey: string; keyColumns: string[]; cursorField: string | null };
  /** A cursor state before every row of it; where it has a cursor. */
  oldestState?: string;
  /** The entity's rows as `ReadBack` gives them. */
  expectedRows(): Promise<string[]>;
  /** The source sends nothing more from the middle of its next batch on. @returns undoes it */
  stall?(): () => void;
  /** The source refuses for there being too much. @returns undoes it */
  throttle?(): Promise<() => Promise<void>>;
  /** The source tells what it has deleted: by its feed, or beside the rows that changed. */
  deletes?: {
    /** Deletes one row at the source. @returns its key, as cells */
    remove(): Promise<string[]>;
  };
  /** Answers for the entity feed a table of children. */
  children?: {
    member: { entityKey: string; keyColumns: string[] };
    /** Columns of the child that hold its parent's key. */
    parentColumns: string[];
    /** The children's rows as `ReadBack` gives them. */
    expectedRows(): Promise<string[]>;
    /** Adds a child to a parent and takes another from it. @returns the parent's key, as cells */
    change(): Promise<string[]>;
    /** The source breaks off in the middle of a parent's children, once. */
    cut(): void;
  };
  /** The entity is a change feed. */
  feed?: {
    /** The source forgets the changes so far. */
    expire(): void;
  };
  tokens?: {
    /** Tokens of pages that were handed out are refused from now on. */
    expirePages?(): void;
    /** Access tokens that were issued are refused from now on. */
    expireAccess?(): void;
  };
  /** Slices are read from an export job at the source. */
  job?: {
    /** Lets it end. */
    finish(): void;
    /** It is gone, or has failed. */
    lose(): void;
    /** How many were made. */
    made(): number;
  };
  /** The connector keeps to a limit. */
  budget?: {
    /** Requests that the source has counted against it. */
    spent(): number;
  };
  permission?: {
    /** As messages name it. */
    name: string;
    /** The credentials lose it. @returns gives it back */
    revoke(): () => void;
  };
  close(): Promise<void>;
}

/** What a source may have: see the members of a harness. */
export type Part =
  | "cursor"
  | "credentials"
  | "stall"
  | "throttle"
  | "deletes"
  | "children"
  | "feed"
  | "page tokens"
  | "access tokens"
  | "job"
  | "budget"
  | "permission";

/** In order of the alphabet. */
export function partsOf(harness: ProviderHarness): Part[] {
  const { entity, wrongSecrets, stall, throttle, deletes, children, feed, tokens, job, budget, permission } = harness;
  const given: Record<Part, unknown> = {
    cursor: entity.cursorField ?? undefined,
    credentials: wrongSecrets,
    ...{ stall, throttle, deletes, children, feed, job, budget, permission },
    "page tokens": tokens?.expirePages,
    "access tokens": tokens?.expireAccess,
  };
  return (Object.keys(given) as Part[]).filter((part) => given[part] !== undefined).sort();
}

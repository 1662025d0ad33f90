/** What a process may die before and after. */
export const COMMITS = ["dispatch", "prepare", "plan", "claim", "batch", "finish", "cursor", "close"] as const;
export type Commit = (typeof COMMITS)[number];

/** `before`: only the commit is missing. `after`: it is committed, and nobody has been told. */
export type FailpointName = `${Commit}.${"before" | "after"}`;

/** Only a test has one, which ends its process there. */
export type Failpoint = (name: FailpointName) => void | Promise<void>;

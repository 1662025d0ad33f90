import type { ReasonCode } from "../../../core/result-reasons.ts";

/** What an answer means. `afterSeconds` is the source's own word on when to come back. */
export type Verdict =
  | { kind: "ok" }
  | { kind: "retry"; afterSeconds?: number }
  | { kind: "fail"; reasonCode: ReasonCode; message?: string }
  | { kind: "throttled"; afterSeconds?: number };

import type { ReasonCode } from "../../../core/result-reasons.ts";
import type { Verdict } from "../http/client.ts";
import type { GraphqlAnswer, GraphqlVerdict } from "./ask.ts";
import type { GraphqlDeclaration } from "./declaration.ts";

export interface AskedQuery {
  permission: string | undefined;
  /** An object is asked for that may be gone. */
  hasId: boolean;
  /** First word on errors, before the vendor's. */
  judge?: ((answer: GraphqlAnswer) => GraphqlVerdict | null) | undefined;
}

const RETRY: Verdict = { kind: "retry" };

/** What an answer means: as the asker says, or the vendor, or the specification. Null: as its status says. */
export function judgeAnswer(
  answer: GraphqlAnswer,
  asked: AskedQuery,
  judge: GraphqlDeclaration<never, never>["judge"],
): GraphqlVerdict | null {
  const own = asked.judge?.(answer) ?? judge(answer, asked);
  if (own !== null) return own;
  // Words beside another status say no more than it does: `{"errors": "This shop is unavailable"}`.
  if (answer.status < 200 || answer.status > 299) return null;
  // With data beside it, the query was understood: what went wrong with one field may go well the next time.
  if (answer.errors.length > 0) return answer.data === null ? failed("source_rejected_request", answer) : RETRY;
  return asked.hasId && answer.data?.node === null ? failed("source_resource_not_found", answer) : null;
}

function failed(reasonCode: ReasonCode, { errors }: GraphqlAnswer): Verdict {
  const said = errors.map(({ message }) => message).join("; ");
  return { kind: "fail", reasonCode, ...(said === "" ? {} : { message: said }) };
}

import { DatabaseError } from "pg";
import { isProviderError, type ProviderError, TerminalError, TransientError } from "../../core/errors.ts";
import { LOGIN_BYTES, TooManyBytesError, UnreadableAnswerError } from "../../egress/hostile-server.ts";
import { AddressRefusedError } from "../../egress/policy.ts";
import { UnconvertedTextError } from "../batch.ts";
import {
  ADDRESS_REFUSED,
  CONNECT_TIMED_OUT,
  CONNECTION_LOST,
  CONTROL_DATABASE,
  classifySocketError,
  classifySqlState,
  type DatabaseFailure,
  ENCRYPTION_REFUSED,
  explainedBy,
  LOGIN_REFUSED,
  NO_POSTGRES,
  TOO_MUCH_TO_READ,
} from "../lib/sqlstate.ts";
import { ControlDatabaseError } from "./connection.ts";

const MAX_SERVER_TEXT = 256;

/** The driver gives these no code. */
const LOST = /^(Connection terminated|Client has encountered|Client was closed)/;
const NO_ANSWER = /^timeout expired$/;
const NO_ENCRYPTION = /^The server does not support SSL/;
const NO_LOGIN = /^SASL/;
/** What came in answer is no message, or not one that has its place there. */
const NO_PROTOCOL = /^(There was an error estab|Unknown authentication|Received unexpected)/;

/**
 * @param doing what was asked of the server, such as `read of "shop"."orders"`
 * @returns the error itself where it is no failure of the source: a defect stays one
 */
export function toProviderError(error: unknown, doing: string): unknown {
  if (isProviderError(error)) return error;
  const failure = classify(error);
  return failure === null ? error : providerError(failure, describe(error), doing, error);
}

/** The server has refused a value that we gave it. */
export function isBadValue(error: unknown): boolean {
  return error instanceof TerminalError && error.cause instanceof DatabaseError && /^22/.test(error.cause.code ?? "");
}

/** A character that UTF-8 has no equivalent of, and bytes that are no character at all. */
const UNCONVERTED = new Set(["22P05", "22021"]);

function isUnconverted(cause: unknown): boolean {
  return cause instanceof DatabaseError && UNCONVERTED.has(cause.code ?? "");
}

function classify(error: unknown): DatabaseFailure | null {
  if (error instanceof AddressRefusedError) return { ...ADDRESS_REFUSED, fix: error.fix };
  if (error instanceof ControlDatabaseError) return CONTROL_DATABASE;
  if (error instanceof TooManyBytesError) return error.mostBytes === LOGIN_BYTES ? NO_POSTGRES : TOO_MUCH_TO_READ;
  if (error instanceof UnreadableAnswerError) return NO_POSTGRES;
  if (error instanceof DatabaseError) {
    // Such as `PL/pgSQL function total() line 3 at RETURN`, in the server's language.
    const inFunction = (error.where ?? "") !== "";
    // The driver's own, for a message that is none, and for an error that says nothing.
    if (error.code === undefined) return NO_POSTGRES;
    return explainedBy(classifySqlState(error.code, { inFunction }), error.message);
  }
  if (!(error instanceof Error)) return null;
  // A host name with several addresses fails with one error for each.
  if (error instanceof AggregateError && error.errors.length > 0) return classify(error.errors[0]);
  if (NO_ENCRYPTION.test(error.message)) return ENCRYPTION_REFUSED;
  if (NO_LOGIN.test(error.message)) return LOGIN_REFUSED;
  if (NO_ANSWER.test(error.message)) return CONNECT_TIMED_OUT;
  if (NO_PROTOCOL.test(error.message)) return NO_POSTGRES;
  if (LOST.test(error.message)) return CONNECTION_LOST;
  return "code" in error && typeof error.code === "string" ? classifySocketError(error.code) : null;
}

function describe(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return describe(error.errors[0]);
  // The words of what is no Postgres are those of somebody else's service: they are not passed on.
  if (error instanceof DatabaseError && error.code === undefined) return "what came is no message of Postgres";
  if (error instanceof DatabaseError) return `${error.message.slice(0, MAX_SERVER_TEXT)} (SQLSTATE ${error.code})`;
  return error instanceof Error ? error.message.slice(0, MAX_SERVER_TEXT) : "unknown";
}

function providerError(failure: DatabaseFailure, said: string, doing: string, cause: unknown): ProviderError {
  const what = `postgres: ${doing} failed: ${said}.`;
  const { reasonCode, fix } = failure;
  if (isUnconverted(cause)) return new UnconvertedTextError(reasonCode, what, { fix, cause });
  if (failure.kind === "terminal") return new TerminalError(reasonCode, what, { fix, cause });
  const { retryAfterSeconds, ofEntity } = failure;
  return new TransientError(reasonCode, what, {
    ...{ fix, cause },
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...(ofEntity ? { ofEntity } : {}),
  });
}

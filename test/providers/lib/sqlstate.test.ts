import { describe, expect, it } from "vitest";
import { classifySocketError, classifySqlState, explainedBy } from "../../../providers/lib/sqlstate.ts";

describe("what a database's error means", () => {
  it.each([
    ["08006", "transient", "source_unavailable"],
    ["0A000", "terminal", "config_invalid"],
    ["22012", "terminal", "source_object_invalid"],
    ["25P03", "transient", "source_unavailable"],
    ["28000", "terminal", "source_auth_failed"],
    ["28P01", "terminal", "source_auth_failed"],
    ["3D000", "terminal", "source_resource_not_found"],
    ["40001", "transient", "source_timeout"],
    ["40P01", "transient", "source_timeout"],
    ["42501", "terminal", "source_permission_denied"],
    ["42601", "terminal", "source_rejected_request"],
    ["42703", "terminal", "source_schema_breaking_change"],
    ["42883", "terminal", "source_object_invalid"],
    ["42P01", "terminal", "source_resource_not_found"],
    ["53200", "transient", "source_unavailable"],
    ["53300", "transient", "source_rate_limited"],
    ["55000", "terminal", "source_object_invalid"],
    ["55P03", "transient", "source_timeout"],
    ["57014", "transient", "source_timeout"],
    ["57P01", "transient", "source_unavailable"],
    ["57P03", "transient", "source_unavailable"],
    ["HV00N", "transient", "source_unavailable"],
    ["XX000", "transient", "source_unavailable"],
    ["XX001", "terminal", "source_response_invalid"],
    ["P0001", "terminal", "source_object_invalid"],
  ])("SQLSTATE %s is %s: %s", (sqlState, kind, reasonCode) => {
    expect(classifySqlState(sqlState)).toMatchObject({ kind, reasonCode });
  });

  it.each([
    ["57014", "canceling statement due to statement timeout", /^Raise statementTimeoutSeconds of the connection/],
    ["57014", "canceling statement due to user request", /^Look for locks/],
    ["42501", "permission denied for schema shop", /`usage` on schema shop\.$/],
    ["42501", "permission denied for sequence ids", /`select` on sequence ids\.$/],
  ])("SQLSTATE %s, %s, says what to do about just that", (sqlState, said, fix) => {
    expect(explainedBy(classifySqlState(sqlState), said).fix).toMatch(fix);
  });

  it("says when to come back where there are too many connections", () => {
    expect(classifySqlState("53300").retryAfterSeconds).toBeGreaterThan(0);
  });

  it.each([
    ["ECONNREFUSED", "source_unavailable"],
    ["ECONNRESET", "source_unavailable"],
    ["ETIMEDOUT", "source_unavailable"],
    ["EHOSTUNREACH", "source_unavailable"],
    ["EAI_AGAIN", "source_unavailable"],
    ["ENOTFOUND", "source_unavailable"],
    ["EPIPE", "source_unavailable"],
    ["SELF_SIGNED_CERT_IN_CHAIN", "connection_unusable"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "connection_unusable"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "connection_unusable"],
    ["CERT_HAS_EXPIRED", "connection_unusable"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "connection_unusable"],
  ])("%s is %s", (code, reasonCode) => {
    expect(classifySocketError(code)).toMatchObject({ reasonCode });
  });

  it("leaves what is no failure of the source alone", () => {
    expect(classifySocketError("ERR_INVALID_ARG_TYPE")).toBeNull();
    expect(classifySocketError("ENCODING_LOST_HALFWAY")).toBeNull();
  });

  it.each(["ENOENT", "ENOTDIR", "EACCES", "ENETUNREACH", "EAI_AGAIN", "ERR_SOCKET_CLOSED"])(
    "is one of the network where the system says %s",
    (code) => {
      expect(classifySocketError(code)).toMatchObject({ kind: "transient", reasonCode: "source_unavailable" });
    },
  );
});

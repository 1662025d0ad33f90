import { describe, expect, test } from "vitest";
import { type AutoResume, RESULT_CLASSES, type ResultClass } from "../../core/reason-kinds.ts";
import { mayAutoResume, resultClassOf } from "../../core/reason-rules.ts";
import { isReasonCode, REASON_CODES, RESULT_REASONS, type ReasonCode, reasonOf } from "../../core/result-reasons.ts";

/** The design's list, code by code. */
const DESIGNED: Record<ResultClass, Partial<Record<AutoResume, string>>> = {
  transient_failure: {
    yes: `heartbeat_timeout stalled_no_progress queue_timeout run_timeout worker_shutdown worker_lost source_rate_limited
      source_quota_exhausted source_unavailable source_timeout source_snapshot_lost source_job_running source_cursor_expired
      connection_changed destination_unavailable destination_timeout destination_lock_conflict`,
    once: "source_export_failed",
  },
  system_failure: {
    yes: "start_timeout workflow_wedged execution_not_found backend_unavailable",
    once: "worker_out_of_memory workflow_reset source_response_invalid internal_error",
    no: "workflow_terminated payload_too_large secret_unreadable source_rejected_request",
  },
  user_action_required: {
    no: `source_auth_failed source_auth_expired source_permission_denied source_resource_not_found source_object_invalid source_cursor_invalid
      source_replication_slot_lost source_schema_breaking_change source_file_unreadable source_address_refused destination_address_refused
      destination_auth_failed destination_permission_denied destination_storage_full destination_constraint_violation
      destination_type_mismatch destination_schema_conflict config_invalid connection_unusable entity_unknown
      primary_key_missing reject_threshold_exceeded reconciliation_mismatch unexpected_zero_rows delete_guard_tripped
      dependency_failed`,
  },
  partial_success: { by_entity: "entities_failed", no: "rows_rejected entities_skipped" },
  cancelled: {
    no: "cancelled_by_user cancelled_by_policy cancelled_by_operator cancelled_in_backend cancelled_sync_inactive",
  },
  skipped: {
    no: "skipped_overlap skipped_sync_inactive skipped_catchup_window skipped_dependency skipped_not_comparable",
  },
  success: { no: "no_new_data" },
};

const designed = RESULT_CLASSES.flatMap((resultClass) =>
  Object.entries(DESIGNED[resultClass]).flatMap(([autoResume, codes]) =>
    codes.split(/\s+/).map((code) => ({ code, resultClass, autoResume })),
  ),
);

describe("result reasons", () => {
  test("are exactly those of the design", () => {
    expect([...REASON_CODES].sort()).toEqual(designed.map(({ code }) => code).sort());
  });

  test.each(designed)("$code is $resultClass and resumes: $autoResume", ({ code, resultClass, autoResume }) => {
    expect(isReasonCode(code)).toBe(true);
    expect(RESULT_REASONS).toHaveProperty(code, expect.objectContaining({ resultClass, autoResume }));
  });

  test.each(REASON_CODES)("%s says what it means and what to do, in whole sentences", (code) => {
    const { meaning, fix } = reasonOf(code);
    for (const text of [meaning, fix]) {
      expect(text).toMatch(/^[A-Z].{9,198}\.$/);
      expect(text).not.toMatch(/\s{2}|[\r\n]/);
    }
  });

  test("a failure that somebody must act on names who", () => {
    for (const code of REASON_CODES) {
      const { resultClass, actor } = reasonOf(code);
      if (resultClass === "user_action_required") expect(["sync_owner", "operator"], code).toContain(actor);
      if (resultClass === "system_failure") expect(actor, code).toBe("operator");
      if (resultClass === "cancelled" || resultClass === "skipped") expect(actor, code).toBe("nobody");
    }
  });

  test("no code is a success", () => {
    expect(resultClassOf(null)).toBe("success");
    expect(resultClassOf("no_new_data")).toBe("success");
    expect(resultClassOf("entities_failed")).toBe("partial_success");
  });

  test.each(["", "toString", "__proto__", "heartbeat_timeout ", "HEARTBEAT_TIMEOUT"])(
    "%j is no reason code",
    (text) => {
      expect(isReasonCode(text)).toBe(false);
    },
  );
});

describe("auto-resume", () => {
  test.each(REASON_CODES)("a run that failed with %s resumes iff its flag says so", (code) => {
    const { autoResume } = reasonOf(code);
    expect(mayAutoResume("failed", code, [], false)).toBe(autoResume === "yes" || autoResume === "once");
    expect(mayAutoResume("failed", code, [], true)).toBe(autoResume === "yes");
  });

  test("only failed and partial runs resume, whatever their code", () => {
    for (const code of REASON_CODES) {
      for (const status of ["succeeded", "cancelled", "skipped", "running", "cancelling"] as const) {
        expect(mayAutoResume(status, code, [code], false)).toBe(false);
      }
    }
    expect(mayAutoResume("failed", null, [], false)).toBe(false);
  });

  test("of a run that failed in all its entities, one that a person has to mend keeps no other from going on", () => {
    const codes: ReasonCode[] = ["source_permission_denied", "source_timeout"];
    expect(mayAutoResume("failed", "source_permission_denied", codes, false)).toBe(true);
    expect(mayAutoResume("failed", "source_permission_denied", ["source_permission_denied"], false)).toBe(false);
  });

  test.each<{ entityCodes: ReasonCode[]; usedOnce: boolean; resumes: boolean }>([
    { entityCodes: ["source_timeout"], usedOnce: false, resumes: true },
    { entityCodes: ["source_permission_denied"], usedOnce: false, resumes: false },
    { entityCodes: ["source_permission_denied", "source_timeout"], usedOnce: false, resumes: true },
    { entityCodes: ["internal_error"], usedOnce: false, resumes: true },
    { entityCodes: ["internal_error"], usedOnce: true, resumes: false },
    { entityCodes: [], usedOnce: false, resumes: false },
  ])("a partial run resumes iff a failed entity's own code may: $entityCodes, once used $usedOnce", (row) => {
    expect(mayAutoResume("partial", "entities_failed", row.entityCodes, row.usedOnce)).toBe(row.resumes);
  });
});

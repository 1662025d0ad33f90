/**
 * `backendRunRef` (`workflowId/firstRunId`) and `backendRunUrl` (the run's page in the Temporal Web UI; null without one).
 */
export function backendRefOf(
  workflowId: string,
  firstRunId: string,
  temporal: { namespace: string; temporalUiUrl: string | null },
): { ref: string; url: string | null } {
  const ref = `${workflowId}/${firstRunId}`;
  if (temporal.temporalUiUrl === null) return { ref, url: null };
  const base = temporal.temporalUiUrl.replace(/\/+$/, "");
  const path = [temporal.namespace, "workflows", workflowId, firstRunId].map(encodeURIComponent).join("/");
  return { ref, url: `${base}/namespaces/${path}/history` };
}

/** The parts of a `backendRunRef` of ours. Workflow ids hold a slash themselves; the run id is the last part. */
export function parseBackendRef(ref: string): { workflowId: string; firstRunId: string } {
  const cut = ref.lastIndexOf("/");
  return { workflowId: ref.slice(0, cut), firstRunId: ref.slice(cut + 1) };
}

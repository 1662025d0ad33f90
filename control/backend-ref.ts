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

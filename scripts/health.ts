/** For a container's health check: asks the process beside it, and fails unless that is well. */
const port = process.env.HEALTH_PORT ?? process.env.PORT ?? "8080";
const response = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(4_000) });
if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);

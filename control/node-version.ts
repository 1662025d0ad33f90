/** `process.execve` and undici need less; before 24.2 `import.meta.main` is undefined. As in `engines` of package.json. */
export const OLDEST_NODE = "24.2.0";

/** @throws Error where the process runs on an older Node than it needs: some of what is missing would not be noticed */
export function requireNode(version: string): void {
  if (version.localeCompare(OLDEST_NODE, "en", { numeric: true }) >= 0) return;
  throw new Error(`Sluice needs Node ${OLDEST_NODE} or later, and this is ${version}. Start it with a newer Node.`);
}

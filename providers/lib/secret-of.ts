import { TerminalError } from "../../core/errors.ts";

/** @throws TerminalError config_invalid where the connection does not have it */
export function secretOf(
  provider: string,
  secrets: Readonly<Record<string, string>>,
  name: string,
  fix = "Store the secret with the connection.",
): string {
  const value = secrets[name];
  if (value !== undefined) return value;
  throw new TerminalError("config_invalid", `${provider}: the connection has no secret '${name}'.`, { fix });
}

import type { ValidationIssue } from "../../core/errors.ts";
import type { SealedSecret } from "../../db/connection-tables.ts";
import type { Keyring } from "../../db/secrets.ts";
import type { Provider, SecretDeclaration } from "../../providers/provider.ts";
import { refused } from "../errors.ts";
import { describeIssues } from "../validation.ts";

/** @returns `config` with the provider's defaults. @throws AppError 422 on `body.config` */
export function parseConfig(provider: Provider, config: Record<string, unknown>): Record<string, unknown> {
  const parsed = provider.connectionSchema.safeParse(config);
  if (!parsed.success) throw refused(describeIssues(parsed.error, ["body", "config"], config));
  return parsed.data;
}

/**
 * Seals what is given over what is there; `null` takes a secret away, also one that the config names no more.
 * @param connection its `config`, as parsed, may name secrets itself
 * @throws AppError 422 on `body.secrets`: one that nobody knows, or a required one that would be missing
 */
export function sealSecrets(
  keyring: Keyring,
  provider: Provider,
  connection: { id: string; config: Record<string, unknown>; secrets: Record<string, SealedSecret> },
  given: Record<string, string | null>,
): Record<string, SealedSecret> {
  const sealed = new Map(Object.entries(connection.secrets));
  for (const [name, plaintext] of Object.entries(given)) {
    if (plaintext === null) sealed.delete(name);
    else sealed.set(name, keyring.seal(plaintext, { connectionId: connection.id, name, kind: "secret" }));
  }
  const known: Record<string, SecretDeclaration> = { ...provider.secrets, ...provider.secretsOf?.(connection.config) };
  const issues: ValidationIssue[] = [];
  for (const [name, { required }] of Object.entries(known)) {
    if (!required || sealed.has(name)) continue;
    issues.push({ loc: ["body", "secrets", name], msg: "Field required", type: "missing" });
  }
  for (const name of Object.keys(given)) {
    const goes = given[name] === null && Object.hasOwn(connection.secrets, name);
    if (goes || Object.hasOwn(known, name)) continue;
    issues.push({ loc: ["body", "secrets", name], msg: "Extra inputs are not permitted", type: "extra_forbidden" });
  }
  if (issues.length > 0) throw refused(issues);
  return Object.fromEntries(sealed);
}

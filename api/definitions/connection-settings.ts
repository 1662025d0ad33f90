import { isDeepStrictEqual } from "node:util";
import type { ValidationIssue } from "../../core/errors.ts";
import type { SealedSecret } from "../../db/connection-tables.ts";
import type { Keyring } from "../../db/secrets.ts";
import { addressOf, type Provider, type SecretDeclaration } from "../../providers/provider.ts";
import { refused } from "../errors.ts";
import { describeIssues } from "../validation.ts";

/** @returns `config` with the provider's defaults. @throws AppError 422 on `body.config` */
export function parseConfig(provider: Provider, config: Record<string, unknown>): Record<string, unknown> {
  const parsed = provider.connectionSchema.safeParse(config);
  if (!parsed.success) throw refused(describeIssues(parsed.error, ["body", "config"], config));
  return parsed.data;
}

/**
 * A stored secret does not follow a changed address: whoever could edit the config, and never saw the secret, would have it sent to a place of
 * their own. It has to be given again where an edit changes what decides where it goes, and where it comes into use again.
 * @param config the new one, as parsed
 * @throws AppError 422 on each secret that is stored, in use by the new config and not given; null gives it up
 */
export function refuseToFollow(
  provider: Provider,
  before: { config: Record<string, unknown>; secrets: Record<string, SealedSecret> },
  config: Record<string, unknown>,
  given: Record<string, string | null>,
): void {
  const changed = changedFields(addressOf(provider, before.config), addressOf(provider, config));
  const wasInUse = secretsInUse(provider, before.config);
  const issues = Object.keys(secretsInUse(provider, config))
    .filter((name) => Object.hasOwn(before.secrets, name) && !Object.hasOwn(given, name))
    .filter((name) => changed.length > 0 || !Object.hasOwn(wasInUse, name))
    .map((name) => ({
      loc: ["body", "secrets", name],
      msg: `Give ${name} again: ${changed.length > 0 ? `the edit changes ${changed.join(", ")}, so that the stored one would be sent elsewhere` : "the config before did not use the stored one"}`,
      type: "missing",
    }));
  if (issues.length > 0) throw refused(issues);
}

function changedFields(before: Record<string, unknown>, after: Record<string, unknown>): string[] {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...fields]
    .filter((field) => !isDeepStrictEqual(before[field], after[field]))
    .map((field) => `config.${field}`);
}

/** @param config one that was stored by a version that took more may be of no use to anybody: then all that the provider declares */
function secretsInUse(provider: Provider, config: Record<string, unknown>): Record<string, SecretDeclaration> {
  const parsed = provider.connectionSchema.safeParse(config);
  return { ...provider.secrets, ...(parsed.success ? provider.secretsOf?.(parsed.data) : {}) };
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

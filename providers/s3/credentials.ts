import { createHash } from "node:crypto";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import type { ConnectOptions, Credentials } from "../provider.ts";
import { type ConnectionConfig, stsEndpointOf } from "./config.ts";
import type { Asked } from "./errors.ts";
import type { RequestHandler } from "./request-handler.ts";

export interface Identity {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}

export interface S3Credentials {
  /** @throws ProviderError, where a role cannot be assumed */
  current(): Promise<Identity>;
  /**
   * The server says that they have expired.
   * @returns whether there are others now
   */
  renew(): Promise<boolean>;
}

/** Makes errors and repeats what may pass. */
export type Call = <T>(asked: Pick<Asked, "doing" | "permission">, work: () => Promise<T>) => Promise<T>;

export interface CredentialOptions
  extends Pick<ConnectOptions<ConnectionConfig, unknown>, "config" | "secrets" | "shared" | "redactor"> {
  requestHandler: RequestHandler;
  call: Call;
}

/** A role's session lasts so long: the most that a role allows unless somebody has raised it. */
const SESSION_SECONDS = 3600;
/** It is renewed so long before its end, so that no request is signed with one that has just expired. */
const RENEW_BEFORE_MS = 5 * 60_000;

/** Null: requests are not signed. */
export function createCredentials(options: CredentialOptions): S3Credentials | null {
  const { config, secrets } = options;
  const { auth } = config;
  if (auth.type === "anonymous") return null;
  const { secretAccessKey = "", sessionToken } = secrets;
  const own: Identity = {
    ...{ accessKeyId: auth.accessKeyId, secretAccessKey },
    ...(sessionToken === undefined ? {} : { sessionToken }),
  };
  if (auth.type === "keys") return { current: async () => own, renew: async () => false };
  return createSessions(options, auth, own);
}

type RoleAuth = Extract<ConnectionConfig["auth"], { type: "assume_role" }>;

/** One session of the role for all workers. Another key, role or external id has a session of its own. */
function createSessions(
  { config, shared, redactor, requestHandler, call }: CredentialOptions,
  { roleArn, externalId }: RoleAuth,
  own: Identity,
): S3Credentials {
  const endpoint = stsEndpointOf(config);
  const issuedFor = createHash("sha256")
    .update(JSON.stringify([endpoint, own.accessKeyId, own.secretAccessKey, roleArn, externalId]))
    .digest("base64url");
  let refused: string | null = null;
  let held: Identity | null = null;

  async function assume(): Promise<Record<string, string>> {
    const client = new STSClient({
      ...{ region: config.region, endpoint, credentials: own, requestHandler },
      ...{ maxAttempts: 1, retryMode: "standard", useDualstackEndpoint: false, useFipsEndpoint: false },
    });
    const asked = {
      doing: `the session of ${roleArn}`,
      permission: `sts:AssumeRole on ${roleArn} in the user's policy, and the user in the role's trust policy (with auth.externalId, where it asks for one)`,
    };
    const command = new AssumeRoleCommand({
      ...{ RoleArn: roleArn, ExternalId: externalId, RoleSessionName: "sluice", DurationSeconds: SESSION_SECONDS },
    });
    const { Credentials: issued } = await call(asked, () => client.send(command));
    return {
      issuedFor,
      accessKeyId: issued?.AccessKeyId ?? "",
      secretAccessKey: issued?.SecretAccessKey ?? "",
      sessionToken: issued?.SessionToken ?? "",
      expiresAt: (issued?.Expiration ?? new Date(Date.now() + SESSION_SECONDS * 1000)).toISOString(),
    };
  }

  function read(tokens: Credentials["tokens"]): Identity | null {
    const { accessKeyId, secretAccessKey, sessionToken, expiresAt = "" } = tokens;
    const expiration = new Date(expiresAt);
    const isOurs = tokens.issuedFor === issuedFor && sessionToken !== refused;
    if (!isOurs || !lasts({ expiration })) return null;
    if (accessKeyId === undefined || secretAccessKey === undefined || sessionToken === undefined) return null;
    redactor.hide(secretAccessKey);
    redactor.hide(sessionToken);
    return { accessKeyId, secretAccessKey, sessionToken, expiration };
  }

  async function current(): Promise<Identity> {
    if (held === null || !lasts(held) || held.sessionToken === refused) held = await find();
    return held;
  }

  async function find(): Promise<Identity> {
    const stored = read(await shared.readTokens());
    if (stored !== null) return stored;
    const { tokens } = await shared.renew(async (now) =>
      read(now.tokens) === null ? { tokens: await assume() } : null,
    );
    const issued = read(tokens);
    if (issued === null) throw new Error("the token service has given a session that has already ended");
    return issued;
  }

  return {
    current,
    async renew() {
      refused = held?.sessionToken ?? null;
      return (await current()).sessionToken !== refused;
    },
  };
}

function lasts({ expiration }: Pick<Identity, "expiration">): boolean {
  return (expiration?.getTime() ?? 0) - Date.now() > RENEW_BEFORE_MS;
}

import type { ValidationIssue } from "../../core/errors.ts";
import { placesIn } from "../../core/places.ts";
import { type BindingDraft, findTableOwners } from "../../db/bindings.ts";
import type { Db } from "../../db/client.ts";
import { findConnection, lockConnection } from "../../db/connections.ts";
import type { Provider } from "../../providers/provider.ts";
import type { ApiDeps } from "../deps.ts";
import { invalid } from "../errors.ts";
import { type BindingRequest, locOf } from "./table-bindings.ts";

export interface DestinationConfig {
  connectionId?: string | undefined;
  schema?: string | undefined;
  /** Rules by entityKey. */
  entities?: Record<string, unknown> | undefined;
  [key: string]: unknown;
}

interface RuleIntent {
  destinationConfig: DestinationConfig;
  destinationGiven: boolean;
  blame: ValidationIssue["loc"];
}

const CONNECTION = ["body", "destinationConfig", "connectionId"];

export function destinationOf(config: DestinationConfig, provider: Pick<Provider, "key">) {
  return { connectionId: config.connectionId ?? null, schema: config.schema ?? provider.key };
}

export async function destinationIssues(
  deps: Pick<ApiDeps, "db" | "findProvider">,
  { connectionId }: DestinationConfig,
): Promise<ValidationIssue[]> {
  if (connectionId === undefined) return [];
  const connection = await findConnection(deps.db, connectionId);
  if (!connection) return [noDestination(connectionId)];
  const refuse = (msg: string) => [{ loc: CONNECTION, msg, type: "value_error" }];
  const provider = deps.findProvider(connection.provider);
  if (!provider?.destinationLogin) return refuse(`Connection ${connection.name} cannot be a destination`);
  // It may have been stored by a version that took more.
  if (provider.connectionSchema.safeParse(connection.config).success) return [];
  return refuse(`Connection ${connection.name} has a config that is no longer taken: correct it first`);
}

/** Rules for entities that the sync has not. */
export function ruleIssues(
  { destinationConfig, destinationGiven, blame }: RuleIntent,
  entities: string[],
): ValidationIssue[] {
  const stray = Object.keys(destinationConfig.entities ?? {}).filter((entityKey) => !placesIn(entities).has(entityKey));
  return stray.map((entityKey) => ({
    loc: destinationGiven ? ["body", "destinationConfig", "entities", entityKey] : blame,
    msg: `destinationConfig.entities has rules for '${entityKey}', which is not among the sync's entities`,
    type: "value_error",
  }));
}

/** Keeps the destination's connection from being deleted until the transaction ends. @throws AppError validation_failed */
export async function holdDestination(trx: Db, { connectionId }: DestinationConfig): Promise<void> {
  if (connectionId === undefined || (await lockConnection(trx, connectionId, "share"))) return;
  throw invalid(noDestination(connectionId));
}

/** Tables that another sync has already loaded. */
export async function tableIssues(
  { db }: Pick<ApiDeps, "db">,
  sync: { syncId: string | null; destinationConfig: DestinationConfig },
  request: BindingRequest,
  bindings: BindingDraft[],
): Promise<ValidationIssue[]> {
  const tables = bindings.map((binding) => binding.physicalTableName);
  const destination = destinationOf(sync.destinationConfig, request.provider);
  const owners = await findTableOwners(db, destination, tables, sync.syncId);
  const slugOf = new Map(owners.map((owner) => [owner.physicalTableName, owner.slug]));
  return bindings.flatMap(({ entityKey, physicalTableName }) => {
    const slug = slugOf.get(physicalTableName);
    if (slug === undefined) return [];
    const msg = `The table of '${entityKey}' is already loaded by sync ${slug}; give this binding another tableName`;
    return [{ loc: locOf(request, entityKey), msg, type: "value_error" }];
  });
}

function noDestination(connectionId: string): ValidationIssue {
  return { loc: CONNECTION, msg: `Connection ${connectionId} does not exist`, type: "value_error" };
}

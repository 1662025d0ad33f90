import type { ValidationIssue } from "../../core/errors.ts";
import type { SyncStatus } from "../../core/vocabulary.ts";
import { type BindingDraft, type BindingRow, findTableOwners } from "../../db/bindings.ts";
import { type ConnectionRow, findConnection } from "../../db/connections.ts";
import type { Provider } from "../../providers/provider.ts";
import type { ApiDeps } from "../deps.ts";
import { invalid } from "../errors.ts";
import type { BindingInput } from "../schemas/bindings.ts";
import { describeIssues } from "../validation.ts";
import { proveActive } from "./activation.ts";
import { bindingIssues, draftBindings, locOf, unknownEntity } from "./table-bindings.ts";

type Deps = Pick<ApiDeps, "db" | "control" | "findProvider">;

/** What a sync is to be: from a request, and for an edit from what is there. */
export interface SyncIntent {
  /** Null for a sync that is being created. */
  syncId: string | null;
  connection: ConnectionRow;
  provider: Provider;
  status: SyncStatus;
  /** It is not active yet, so the connection and the entities have to prove themselves first. */
  activating: boolean;
  /** Undefined: the catalog's defaults. */
  entities: string[] | undefined;
  sourceConfig: Record<string, unknown>;
  destinationConfig: DestinationConfig;
  bindings: BindingInput[] | undefined;
  existing: BindingRow[];
}

export interface DestinationConfig {
  connectionId?: string | undefined;
  schema?: string | undefined;
  [key: string]: unknown;
}

export interface SyncDefinition {
  entities: string[];
  sourceConfig: Record<string, unknown>;
  bindings: BindingDraft[];
}

/**
 * Holds the parts of a definition against each other, the catalog and, when it is being activated, the source.
 * @throws AppError validation_failed with everything that can be said at once, binding_frozen, and what a check throws
 */
export async function settleDefinition(deps: Deps, intent: SyncIntent): Promise<SyncDefinition> {
  const { provider, connection } = intent;
  const issues: ValidationIssue[] = [];

  const sourceConfig = provider.sourceConfigSchema.safeParse(intent.sourceConfig);
  if (!sourceConfig.success) {
    issues.push(...describeIssues(sourceConfig.error, ["body", "sourceConfig"], intent.sourceConfig));
  }
  const entities = intent.entities ?? defaultEntities(provider);
  issues.push(...entityIssues(provider, entities, intent.status));
  issues.push(...(await destinationIssues(deps, intent.destinationConfig)));

  const request = {
    provider,
    sourceInstanceKey: provider.sourceInstanceKey(connection.config),
    entities,
    inputs: intent.bindings,
    existing: intent.existing,
  };
  const bindings = draftBindings(request);
  issues.push(...bindingIssues(request, bindings));
  for (const { entityKey, slug } of await foreignTables(deps, intent, bindings)) {
    const msg = `The table of '${entityKey}' is already loaded by sync ${slug}; give this binding another tableName`;
    issues.push({ loc: locOf(request, entityKey), msg, type: "value_error" });
  }
  if (issues.length > 0 || !sourceConfig.success) throw invalid(...issues);

  const settled = intent.activating
    ? await proveActive(deps, { connection, sourceConfig: sourceConfig.data }, request, bindings)
    : bindings;
  return { entities, sourceConfig: sourceConfig.data, bindings: settled };
}

export function destinationOf(config: DestinationConfig, provider: Pick<Provider, "key">) {
  return { connectionId: config.connectionId ?? null, schema: config.schema ?? provider.key };
}

function defaultEntities(provider: Provider): string[] {
  return provider.resources.filter((resource) => resource.defaultSelected).map((resource) => resource.entityKey);
}

function entityIssues(provider: Provider, entities: string[], status: SyncStatus): ValidationIssue[] {
  if (entities.length === 0 && status !== "draft") {
    return [{ loc: ["body", "entities"], msg: "A sync without entities can only be a draft", type: "value_error" }];
  }
  if (provider.dynamicResources) return [];
  const known = new Set(provider.resources.map((resource) => resource.entityKey));
  return entities.flatMap((entityKey, index) =>
    known.has(entityKey) ? [] : [unknownEntity(provider, entityKey, index)],
  );
}

async function destinationIssues(deps: Deps, config: DestinationConfig): Promise<ValidationIssue[]> {
  if (config.connectionId === undefined) return [];
  const loc = ["body", "destinationConfig", "connectionId"];
  const connection = await findConnection(deps.db, config.connectionId);
  if (!connection) return [{ loc, msg: `Connection ${config.connectionId} does not exist`, type: "value_error" }];
  if (deps.findProvider(connection.provider)?.destinationUrl) return [];
  return [{ loc, msg: `Connection ${connection.name} cannot be a destination`, type: "value_error" }];
}

async function foreignTables(deps: Deps, intent: SyncIntent, bindings: BindingDraft[]) {
  const owners = await findTableOwners(
    deps.db,
    destinationOf(intent.destinationConfig, intent.provider),
    bindings.map((binding) => binding.physicalTableName),
    intent.syncId,
  );
  const slugOf = new Map(owners.map((owner) => [owner.physicalTableName, owner.slug]));
  return bindings.flatMap(({ entityKey, physicalTableName }) => {
    const slug = slugOf.get(physicalTableName);
    return slug === undefined ? [] : [{ entityKey, slug }];
  });
}

import { columnChoicesOf } from "../../core/column-choice.ts";
import type { ValidationIssue } from "../../core/errors.ts";
import { placesIn } from "../../core/places.ts";
import type { SyncStatus } from "../../core/vocabulary.ts";
import type { BindingDraft, BindingRow } from "../../db/bindings.ts";
import type { ConnectionRow } from "../../db/connections.ts";
import type { Provider } from "../../providers/provider.ts";
import { proveActive } from "../commands/activation.ts";
import type { ApiDeps } from "../deps.ts";
import { refused } from "../errors.ts";
import type { BindingInput } from "../schemas/bindings.ts";
import { describeIssues } from "../validation.ts";
import { scheduleIssues, type TriggerIntent } from "./schedule-issues.ts";
import { type DestinationConfig, destinationIssues, ruleIssues, tableIssues } from "./sync-destination.ts";
import { type BindingRequest, bindingIssues, draftBindings, unknownEntity } from "./table-bindings.ts";

type Deps = Pick<ApiDeps, "db" | "control" | "findProvider">;

/** What a sync is to be: from a request, and for an edit from what is there. */
export interface SyncIntent {
  /** Null for a sync that is being created. */
  syncId: string | null;
  connection: ConnectionRow;
  provider: Provider;
  status: SyncStatus;
  /** The field for which the connection and the entities have to prove themselves first; null: the source is not asked. */
  proofBlame: ValidationIssue["loc"] | null;
  /** Undefined: the catalog's defaults. */
  entities: string[] | undefined;
  entitiesNamed: boolean;
  sourceConfig: Record<string, unknown>;
  destinationConfig: DestinationConfig;
  /** The request gives it; otherwise it is that of before. */
  destinationGiven: boolean;
  bindings: BindingInput[] | undefined;
  existing: BindingRow[];
  trigger: TriggerIntent;
  /** As in `BindingRequest`. */
  blame: ValidationIssue["loc"];
}

export interface SyncDefinition {
  entities: string[];
  sourceConfig: Record<string, unknown>;
  bindings: BindingDraft[];
}

/**
 * Holds the parts of a definition against each other, the catalog and, where the sync is in use from then on, the source.
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
  const request = {
    provider,
    sourceInstanceKey: provider.sourceInstanceKey(connection.config),
    entities,
    entitiesNamed: intent.entitiesNamed,
    inputs: intent.bindings,
    existing: intent.existing,
    blame: intent.blame,
  };
  issues.push(...entityIssues(request, intent.status));
  issues.push(...(await destinationIssues(deps, intent.destinationConfig)));
  issues.push(...ruleIssues(intent, entities));
  if (sourceConfig.success) issues.push(...strayChoices(sourceConfig.data, entities));
  issues.push(...(await scheduleIssues(deps, intent.syncId, intent.trigger)));

  const bindings = draftBindings(request);
  issues.push(...bindingIssues(request, bindings));
  issues.push(...(await tableIssues(deps, intent, request, bindings)));
  if (issues.length > 0 || !sourceConfig.success) throw refused(issues);

  const settled =
    intent.proofBlame === null
      ? bindings
      : await proveActive(
          deps,
          { connection, sourceConfig: sourceConfig.data },
          { ...request, blame: intent.proofBlame },
          bindings,
        );
  return { entities, sourceConfig: sourceConfig.data, bindings: settled };
}

function defaultEntities(provider: Provider): string[] {
  return provider.resources.filter((resource) => resource.defaultSelected).map((resource) => resource.entityKey);
}

/** A choice under a mistyped key would have the columns read that it leaves out. */
function strayChoices(sourceConfig: Record<string, unknown>, entities: string[]): ValidationIssue[] {
  const stray = [...columnChoicesOf(sourceConfig).keys()].filter((entityKey) => !placesIn(entities).has(entityKey));
  return stray.map((entityKey) => ({
    loc: ["body", "sourceConfig", "resources", entityKey],
    msg: `'${entityKey}' is not among the sync's entities`,
    type: "value_error",
  }));
}

function entityIssues(request: BindingRequest, status: SyncStatus): ValidationIssue[] {
  const { provider, entities, entitiesNamed } = request;
  if (entities.length === 0 && status !== "draft" && status !== "archived") {
    const loc = ["body", entitiesNamed ? "entities" : "status"];
    return [{ loc, msg: "A sync without entities can only be a draft", type: "value_error" }];
  }
  if (provider.dynamicResources) return [];
  const known = new Set(provider.resources.map((resource) => resource.entityKey));
  return entities.filter((entityKey) => !known.has(entityKey)).map((entityKey) => unknownEntity(request, entityKey));
}

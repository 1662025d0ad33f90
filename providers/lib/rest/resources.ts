import type { ColumnChoice } from "../../../core/column-choice.ts";
import { TerminalError } from "../../../core/errors.ts";
import type { ProviderKey } from "../../../core/vocabulary.ts";
import type { Paginator } from "./paginator.ts";
import type { ResourceConfig } from "./resource.ts";
import { parentFieldsIn } from "./templates.ts";

/** A resource as one sync reads it. */
export interface Resource extends ResourceConfig {
  /** Whose name messages begin with. */
  provider: ProviderKey;
  paging: Paginator;
  /** Fields of the parent that each record gets, as `_parent_<field>`. */
  parentFields: string[];
  /** Which of its columns the sync reads; absent: all. */
  choice?: ColumnChoice;
}

export interface Resources {
  provider: ProviderKey;
  names: string[];
  /** @throws TerminalError entity_unknown */
  get(name: string): Resource;
}

/** @param settle the resource as the sync at hand reads it */
export function createResources<Declared extends ResourceConfig>(
  provider: ProviderKey,
  resources: readonly Declared[],
  settle: (resource: Declared) => ResourceConfig & Pick<Resource, "paging" | "choice">,
): Resources {
  const declared = new Map(resources.map((resource) => [resource.name, resource]));
  return {
    provider,
    names: resources.filter(({ isForExtend }) => isForExtend !== true).map(({ name }) => name),
    get(name) {
      const resource = declared.get(name);
      if (resource === undefined) {
        throw new TerminalError("entity_unknown", `${provider}: the connection has no resource '${name}'.`, {
          fix: "Correct the entities of the sync.",
        });
      }
      const settled = settle(resource);
      const { parent, nested } = settled;
      const parentFields = parent
        ? [...new Set([...parentFieldsIn(settled), ...parent.fields])]
        : (nested?.fields ?? []);
      return { ...settled, provider, parentFields };
    },
  };
}

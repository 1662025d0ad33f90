import type { DiscoveredEntity } from "../../../core/connection-tasks.ts";
import { WRITERS_FIXES } from "../writers-fixes.ts";
import type { Resource, Resources } from "./resources.ts";

/** Why no listing of the resource can be shown to be complete, whatever its pages are; undefined where one can. */
export function whyUnprovable(resource: Resource, resources: Pick<Resources, "get">): DiscoveredEntity["unprovable"] {
  const { name, paging, errorRules, parent, nested } = resource;
  if (nested !== undefined) {
    const { more } = nested;
    const isRead = more === undefined || (more.isListed && paging.provesEnd);
    if (isRead) return whyUnprovable(resources.get(nested.resource), resources);
    return {
      why: `the source cuts the lists of ${name}, and nothing shows that all of one is read`,
      fix: "Choose a load mode that does not remove what a complete scan does not list, such as upsert",
    };
  }
  const endsByRule = errorRules.some(({ action }) => action === "stop_resource");
  // What has parents is complete only with all of them.
  if (paging.provesEnd || endsByRule) return parent && whyUnprovable(resources.get(parent.resource), resources);
  return {
    why: `the pages of ${name} are asked for by a number, and its paginator names no sign of the end`,
    fix: WRITERS_FIXES.provable.written,
  };
}

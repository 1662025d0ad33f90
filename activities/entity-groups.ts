import { TerminalError } from "../core/errors.ts";
import type { BindingRow } from "../db/bindings.ts";
import type { EntitySchema, KnownNames, KnownSpecs, Source } from "../providers/provider.ts";

/** Entities that the same answers of the source feed: a parent and its children. They are planned, read and loaded together. */
export interface EntityGroup {
  /** The parent's key; the entity's own where it has neither parent nor children. */
  leadKey: string;
  /** Of the entities that are to be loaded, the parent first where it is one of them. */
  bindings: BindingRow[];
}

/** An entity without a parent, or whose parent is nowhere, leads its own group. */
export function leadKeyOf(entityKey: string, found: ReadonlyMap<string, EntitySchema>): string {
  const seen = new Set<string>();
  let key = entityKey;
  for (;;) {
    const parent = found.get(key)?.childOf;
    // A circle is the provider's mistake; it is cut where it closes.
    if (parent === undefined || seen.has(parent)) return key;
    seen.add(key);
    key = parent;
  }
}

export function groupBindings(
  bindings: readonly BindingRow[],
  found: ReadonlyMap<string, EntitySchema>,
): EntityGroup[] {
  const groups = new Map<string, BindingRow[]>();
  for (const binding of bindings) {
    const leadKey = leadKeyOf(binding.entityKey, found);
    const group = groups.get(leadKey);
    if (group === undefined) groups.set(leadKey, [binding]);
    else if (binding.entityKey === leadKey) group.unshift(binding);
    else group.push(binding);
  }
  return [...groups].map(([leadKey, members]) => ({ leadKey, bindings: members }));
}

/** What the source has of the entities, with the parents that their rows come from: a child is read by its parent. */
export async function discoverWithParents(
  source: Pick<Source, "discover">,
  entityKeys: string[],
  known?: KnownSpecs,
  named?: KnownNames,
): Promise<Map<string, EntitySchema>> {
  const found = new Map<string, EntitySchema>();
  const asked = new Set<string>();
  for (let missing = entityKeys; missing.length > 0; ) {
    for (const key of missing) asked.add(key);
    for (const schema of await source.discover(missing, known, named)) found.set(schema.entityKey, schema);
    missing = [...new Set([...found.values()].flatMap(({ childOf = [] }) => childOf))].filter((key) => !asked.has(key));
  }
  return found;
}

/** @throws what keeps the parent from being read, and with it every child */
export function requireLead(
  { leadKey, bindings }: EntityGroup,
  found: ReadonlyMap<string, EntitySchema>,
): EntitySchema {
  const lead = found.get(leadKey);
  if (lead === undefined) {
    const children = bindings.map(({ entityKey }) => entityKey).join(", ");
    throw new TerminalError(
      "source_resource_not_found",
      `The source has no ${leadKey}, from which ${children} are read.`,
      {
        fix: "Restore it at the source, or take its children out of the sync.",
      },
    );
  }
  if (lead.failure) throw lead.failure;
  if (lead.files)
    throw new Error(`${leadKey} is made of files, and the connector gives it children. Files are read alone.`);
  return lead;
}

import { z } from "zod";
import type { Batch } from "../../batch.ts";
import type { EntityReadSpec, ReadRequest } from "../../provider.ts";
import { isObject, type JsonObject } from "../http/json.ts";
import { holdRecords } from "../rest/held-records.ts";
import { createNewest } from "../rest/newest.ts";
import type { PageRows, WantedRows } from "../rest/page-records.ts";
import { type ReadContext, readPages, type Take } from "../rest/pages.ts";
import { type Position, positionSchema, START } from "../rest/position.ts";
import { childrenOf, wantedRows } from "../rest/read.ts";
import { readSpecSchema } from "../rest/read-spec.ts";
import type { RecordShape } from "../rest/record-shape.ts";
import type { Resource } from "../rest/resources.ts";
import { selectOne, withValueAt } from "../rest/selector.ts";
import { createShapes } from "../rest/shapes.ts";
import { type Span, spanOf } from "../rest/steps.ts";
import { createTablesBatch } from "../rest/tables-batch.ts";
import { textOf } from "./answer.ts";
import type { GraphqlDeclaration, GraphqlDeletions, GraphqlResource } from "./declaration.ts";
import { changesOf, deletionsOf } from "./documents.ts";
import type { Engine } from "./engine.ts";
import { GONE } from "./to-rest.ts";

/** What else lies in a slice's window: deletions, and children that changed without their parent. Each is a listing of its own. */
export interface FollowUps {
  /** Is there any from `from` on, in milliseconds? */
  hasAny(spec: EntityReadSpec, from: number): Promise<boolean>;
  /** How many listings a slice has behind its own; none for one that is no window of time. */
  count(request: Pick<ReadRequest, "spec" | "window">): number;
  /**
   * The listings, one after the other.
   * @param from where an earlier read stopped; null from the start
   */
  readListings(
    request: ReadRequest,
    from: FollowUpPosition | null,
    newest: string | undefined,
  ): AsyncGenerator<Batch, void>;
}

export const followUpSchema = z.strictObject({ index: z.int(), at: positionSchema });
export type FollowUpPosition = z.output<typeof followUpSchema>;

interface Listing {
  resource: Resource;
  /** Index of the child that has changed; null: deletions. */
  child: number | null;
}

export function createFollowUps(
  { resources: declared, deletions }: Pick<GraphqlDeclaration<never, never>, "resources" | "deletions">,
  { client, resources }: Engine,
): FollowUps {
  const shapes = createShapes({ client, resources });

  function listingsOf({ entityKey, members = [], source }: EntityReadSpec): Listing[] {
    const lead = declared.find((each) => each.entityKey === entityKey);
    // Where what is not read is removed anyway, a deletion says nothing new.
    const tells = lead?.deletions !== undefined && deletions !== undefined && source.removes !== true;
    const changed = members.flatMap((member, child): Listing[] => {
      const found = lead?.children?.find((each) => each.entityKey === member.entityKey);
      return found?.changes === undefined ? [] : [{ resource: resources.get(changesOf(member.entityKey)), child }];
    });
    return [...changed, ...(tells ? [{ resource: resources.get(deletionsOf(entityKey)), child: null }] : [])];
  }

  function contextOf({ source }: EntityReadSpec): ReadContext {
    return { client, resources, now: readSpecSchema.parse(source).now, mayRestart: true, demand: "nothing" };
  }

  function pagesOf<Taken>(spec: EntityReadSpec, { resource }: Listing, span: Span, at: Position, take: Take<Taken>) {
    return readPages(contextOf(spec), resource, span, at, take);
  }

  return {
    async hasAny(spec, from) {
      const count: Take<number> = async (records, view) =>
        (await records.take(view, { most: 0, all: false, keep: [] })).count;
      for (const listing of listingsOf(spec)) {
        for await (const page of pagesOf(spec, listing, { from, to: null }, START, count))
          if (page.taken > 0) return true;
      }
      return false;
    },
    count: ({ spec, window }) => (window.by === "time" && window.from !== null ? listingsOf(spec).length : 0),
    async *readListings(request, from, newest) {
      const { spec, window } = request;
      const listings = listingsOf(spec);
      const wanted = wantedRows(resources.get(spec.entityKey), spec, childrenOf(resources, spec));
      const start = from ?? { index: 0, at: START };
      for (const [index, listing] of listings.entries()) {
        if (index < start.index) continue;
        const span = spanOf(window, listing.resource.incremental);
        const at = index === start.index ? start.at : START;
        const batch = createTablesBatch(spec, wanted, {
          from: START,
          newest: createNewest(newest),
          takeBytes: () => 0,
        });
        const take = await takeOf(listing, spec, wanted);
        for await (const { taken, next } of pagesOf(spec, listing, span, at, take)) {
          if (listing.child === null) batch.add({ taken, at: START, next: START, answeredAt: null });
          else batch.addList({ child: listing.child, ...taken, deletes: [], set: null });
          const followUp = positionAfter(index, next);
          const final = followUp.index === listings.length;
          if (batch.isEmpty() && !final) continue;
          const { bytesRead: _, ...tables } = batch.take();
          yield { ...tables, checkpoint: { followUp, ...(newest === undefined ? {} : { newest }) }, final };
        }
      }
    },
  };

  async function takeOf(
    { resource, child }: Listing,
    spec: EntityReadSpec,
    wanted: WantedRows,
  ): Promise<Take<PageRows>> {
    if (child === null) return takeDeletions(resource, spec, wanted);
    const member = spec.members?.[child];
    if (member === undefined) throw new Error(`${spec.entityKey} has no member ${child}.`);
    return takeChanged((await shapes.find(resource)).shape, member);
  }

  /** Deletions as records that say of themselves that they are deleted. */
  function takeDeletions({ fields }: Resource, { entityKey }: EntityReadSpec, wanted: WantedRows): Take<PageRows> {
    const source = declared.find((each) => each.entityKey === entityKey);
    const lead = resources.get(entityKey);
    return async (records, view) => {
      const told = await records.take(view, { most: Number.POSITIVE_INFINITY, all: true, keep: Object.keys(fields) });
      const gone = told.records.filter(isObject).flatMap((each) => deletedRecord(each, lead, deletions, source) ?? []);
      return holdRecords(gone).rows({ dated: null, parent: null }, wanted);
    };
  }
}

/** Children that have changed, as rows of the child's table. */
function takeChanged(shape: RecordShape, member: EntityReadSpec): Take<PageRows> {
  const ordered = inOrder(shape, member);
  return (records, view) =>
    records.rows(view, { shape: ordered, keyColumns: member.keyColumns, omission: null, newest: null });
}

/** Behind a page of listing `index`: its next page, or the next listing. */
function positionAfter(index: number, next: Position | null): FollowUpPosition {
  return next === null ? { index: index + 1, at: START } : { index, at: next };
}

/** A record of the resource that says of itself that it is deleted; null where the node is no deletion of such a one. */
function deletedRecord(
  node: JsonObject,
  { primaryKey: [ownKey = "id"], incremental }: Resource,
  deletions: GraphqlDeletions | undefined,
  resource: GraphqlResource | undefined,
): JsonObject | null {
  if (deletions === undefined || resource?.deletions === undefined) return null;
  const { key, at, subject, proof } = deletions;
  const { subjects, keyOf = (told) => told } = resource.deletions;
  const textAt = (path: string): string => textOf(selectOne(node, path));
  if (textAt(key) === "" || textAt(proof.path) !== proof.equals || !subjects.includes(textAt(subject))) return null;
  const keyed = withValueAt({ [GONE]: true }, ownKey, keyOf(textAt(key)));
  const cursor = incremental?.cursorField;
  return (cursor === undefined ? keyed : withValueAt(keyed, cursor, textAt(at))) as JsonObject;
}

/** The listing's cells in the order of the child's columns. */
function inOrder({ fields, ...shape }: RecordShape, { columns }: EntityReadSpec): RecordShape {
  const byColumn = new Map(fields.map((field) => [field.column, field]));
  const ordered = columns.map(({ name }) => {
    const field = byColumn.get(name);
    if (field === undefined) throw new Error(`The listing of changes has no column ${name}.`);
    return field;
  });
  return { ...shape, fields: ordered, unmapped: false };
}

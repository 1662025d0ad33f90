import type { ColumnChoice } from "../../../core/column-choice.ts";
import { TerminalError } from "../../../core/errors.ts";
import type { ProviderKey } from "../../../core/vocabulary.ts";
import type { EntityPlan, EntitySchema, PlanRequest } from "../../provider.ts";
import { UNMAPPED } from "../rest/column-names.ts";
import { describeEntity } from "../rest/entity-description.ts";
import { omissionOf } from "../rest/omit.ts";
import { type RecordShape, shapeRecords } from "../rest/record-shape.ts";
import type { ResourceConfig } from "../rest/resource.ts";
import type { FeedSpec } from "./feed.ts";

/** One table as a feed or a listing gives it. */
export interface FeedTable {
  schema: EntitySchema;
  shape: RecordShape;
  /** Position at which a reading of everything begins. */
  first: string;
  /** See `FeedSpec`. */
  within?: string;
  own?: Record<string, unknown>;
}

/** A table that a resource declares, as far as its feed is not known yet. */
export function declaredTable(config: ResourceConfig): Pick<FeedTable, "schema" | "shape"> {
  const shape = shapeRecords(config, [], null);
  return { schema: describeEntity(config, shape), shape };
}

/** A guess: nothing was read. */
const USUAL_ROW_BYTES = 600;

/** One slice: the pages of a feed follow each other. */
export function planFeed(
  provider: ProviderKey,
  { schema, shape, first, own, within }: FeedTable,
  request: PlanRequest,
  choice: ColumnChoice | undefined,
): EntityPlan {
  if (request.between !== null)
    throw new TerminalError("config_invalid", `${provider}: ${schema.entityKey} cannot be asked for a time window.`, {
      fix: "Start a run of runMode incremental or full_refresh.",
    });
  const isFeed = schema.changeFeed === true;
  const isResumed = isFeed && request.scan === "incremental" && request.resync !== true;
  const token = isResumed ? request.cursorState : null;
  const wanted = narrowed(shape, request.columns);
  const omission = omissionOf(choice, shape);
  /** The column holds the source's key, whatever key somebody has named. */
  const canTellWhatLiesWithin = () =>
    wanted.fields.some(({ column }) => column === within) &&
    schema.primaryKeyColumns.join() === request.keyColumns.join();
  const source: FeedSpec = {
    ...{ shape: wanted, first: token ?? first, isFeed },
    ...(token === null ? {} : { fromToken: true as const }),
    ...(omission === null ? {} : { omission }),
    ...(within !== undefined && canTellWhatLiesWithin() ? { within } : {}),
    ...(own === undefined ? {} : { own }),
  };
  const names = new Set([...wanted.fields.map(({ column }) => column), ...(wanted.unmapped ? [UNMAPPED] : [])]);
  return {
    spec: {
      entityKey: schema.entityKey,
      columns: schema.columns.filter(({ name }) => names.has(name)),
      ...{ keyColumns: request.keyColumns, cursorField: request.cursorField },
      estimatedRowBytes: USUAL_ROW_BYTES,
      source,
    },
    slices: [{ stage: 0, window: { by: "none" }, label: "1/1" }],
    upperBound: null,
    evidence: isFeed
      ? { by: "feed", from: token === null ? "everything" : "token", cursorFollows: "feed" }
      : { by: "none" },
  };
}

/** With the columns that are read alone. */
function narrowed(shape: RecordShape, names: string[] | undefined): RecordShape {
  if (names === undefined) return shape;
  const fields = shape.fields.filter(({ column }) => names.includes(column));
  return { ...shape, fields, unmapped: shape.unmapped && names.includes(UNMAPPED) };
}

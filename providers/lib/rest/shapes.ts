import type { EntityReadSpec, NamedColumns } from "../../provider.ts";
import { type JsonObject, jsonOf } from "../http/json.ts";
import { UNMAPPED } from "./column-names.ts";
import { checkFirstPage } from "./first-page.ts";
import type { ReadContext } from "./pages.ts";
import { readSpecSchema } from "./read-spec.ts";
import { namesIn, type RecordShape, shapeRecords } from "./record-shape.ts";
import type { Resource } from "./resources.ts";
import { sampleRecords } from "./sample.ts";
import { checkParents, checkSample } from "./sample-check.ts";
import { selectOne } from "./selector.ts";
import { readInstant } from "./time-format.ts";
import { DAY } from "./times.ts";

/** Found once for each source that is opened: discovery and plan have to say the same. */
export interface Shapes {
  /**
   * @throws TerminalError config_invalid where the resource names what its records do not have, unless it was read before: one odd
   * record is then rejected alone
   */
  find(resource: Resource, earlier?: EarlierSpecs): Promise<FoundShape>;
  /**
   * Holds a declaration against what the API answers, also where its shape needs no sample.
   * @throws TerminalError config_invalid, see `checkSample` and `checkFirstPage`
   */
  checkNew(resource: Resource, shape: RecordShape): Promise<void>;
}

export interface EarlierSpecs {
  /** As the latest plan had it: what it has inferred stays. */
  known?: EntityReadSpec | undefined;
  /** Names of columns that stay in any case. */
  named?: NamedColumns | undefined;
}

export interface FoundShape {
  shape: RecordShape;
  /** Every name that was ever given to a column, by what it is made of. */
  names: ReadonlyMap<string, string>;
  /** How long the longest of the sampled cursors lasts, in milliseconds; 0 where none was sampled. */
  cursorLasts: number;
  /** A guess. */
  rowBytes: number;
  /** No plan has read the resource before. */
  isNew: boolean;
}

const USUAL_ROW_BYTES = 300;

export function createShapes(source: Pick<ReadContext, "client" | "resources">): Shapes {
  // A sample is not read twice, so nothing comes twice.
  const contextNow = (): ReadContext => ({ ...source, now: Date.now(), mayRestart: true, demand: "nothing" });
  const found = new Map<string, FoundShape>();
  const samples = new Map<string, Promise<JsonObject[]>>();
  const sample = (resource: Resource): Promise<JsonObject[]> => {
    const before = samples.get(resource.name);
    if (before !== undefined) return before;
    const reading = sampleRecords(contextNow(), resource);
    samples.set(resource.name, reading);
    // The next to ask tries again.
    reading.catch(() => samples.delete(resource.name));
    return reading;
  };
  return {
    async checkNew(resource, shape) {
      if (resource.additionalFields === "keep") checkSample(resource, await sample(resource), shape);
      await checkFirstPage(contextNow(), resource, () => sample(resource));
    },
    async find(resource, { known, named } = {}) {
      const before = found.get(resource.name);
      if (before !== undefined) return before;
      const isNew = known === undefined && named === undefined;
      const { parent } = resource;
      const isDeclared = resource.declared !== undefined;
      if (isNew && !isDeclared && parent && resource.parentFields.length > 0)
        checkParents(resource, await sample(source.resources.get(parent.resource)));
      const records = resource.additionalFields === "infer" ? await sample(resource) : [];
      const earlier = shapeIn(known);
      const given = new Map(
        [earlier, shapeIn(named?.spec)].flatMap((each) => (each === null ? [] : [...namesIn(each)])),
      );
      for (const [id, name] of Object.entries(named?.names ?? {})) given.set(id, name);
      const shape = shapeRecords(resource, records, earlier, given);
      if (isNew) checkSample(resource, records, shape);
      const bytes = records.reduce((sum, record) => sum + (jsonOf(record)?.length ?? USUAL_ROW_BYTES), 0);
      const rowBytes = records.length === 0 ? USUAL_ROW_BYTES : Math.ceil(bytes / records.length);
      const names = new Map([...given, ...namesIn(shape)]);
      const cursorLasts = isDeclared ? declaredLasts(shape) : longestOf(records, shape);
      const result = { shape, names, cursorLasts, rowBytes, isNew };
      found.set(resource.name, result);
      return result;
    },
  };
}

/** What is left out goes to the column for what has none, where that is taken. */
export function onlyColumns(found: FoundShape, names: string[] | undefined): FoundShape {
  if (names === undefined) return found;
  const { shape } = found;
  const fields = shape.fields.filter(({ column }) => names.includes(column));
  const cursor = shape.cursor !== null && names.includes(shape.cursor.column) ? shape.cursor : null;
  return { ...found, shape: { ...shape, fields, cursor, unmapped: shape.unmapped && names.includes(UNMAPPED) } };
}

/** A declared column of dates has cursors that last a day. */
function declaredLasts({ fields, cursor }: RecordShape): number {
  return fields.some(({ path, type }) => path === cursor?.path && type === "date") ? DAY : 0;
}

function longestOf(records: readonly JsonObject[], { cursor }: RecordShape): number {
  if (cursor === null) return 0;
  const instants = records.map((record) => readInstant(selectOne(record, cursor.path), cursor.format));
  return Math.max(0, ...instants.map((instant) => instant?.lasts ?? 0));
}

/** Null for a plan of a version that kept something else. */
function shapeIn(spec: EntityReadSpec | undefined): RecordShape | null {
  const parsed = readSpecSchema.safeParse(spec?.source);
  return parsed.success ? parsed.data.shape : null;
}

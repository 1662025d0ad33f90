import { isOfEntity, TerminalError } from "../../../core/errors.ts";
import type { EntitySchema, KnownNames, KnownSpecs } from "../../provider.ts";
import type { FileResource } from "./config.ts";
import { LISTING_KEY } from "./config.ts";
import type { FileEngine } from "./engine.ts";
import { type Earlier, inferShape } from "./infer-shape.ts";
import { describeListing } from "./listing.ts";
import { digestOfReading } from "./reading-digest.ts";
import type { CompiledResource } from "./resource.ts";
import type { Sample } from "./sample.ts";
import { MOST_INSTEAD, sampleEnds } from "./sample-ends.ts";
import {
  columnsOf,
  eventKeyOf,
  type FileColumn,
  type FileShape,
  fileColumnOf,
  fileSpecSchema,
  rowKeyOf,
} from "./shape.ts";
import type { ListedFile } from "./store.ts";

export async function discoverFiles(
  engine: FileEngine,
  keys: string[] | null,
  known: KnownSpecs,
  named: KnownNames,
): Promise<EntitySchema[]> {
  const all = [LISTING_KEY, ...engine.entityKeys];
  const found: EntitySchema[] = [];
  for (const key of keys === null ? all : keys.filter((each) => all.includes(each))) {
    if (key === LISTING_KEY) found.push(describeListing());
    else found.push(await discoverResource(engine, key, earlierOf(key, known, named)));
  }
  return found;
}

function earlierOf(key: string, known: KnownSpecs, named: KnownNames): Earlier {
  const spec = known.get(key);
  return {
    fields: spec === undefined ? null : fileSpecSchema.parse(spec.source).fields,
    names: new Map(Object.entries(named.get(key)?.names ?? {})),
  };
}

async function discoverResource(engine: FileEngine, key: string, earlier: Earlier): Promise<EntitySchema> {
  try {
    const resource = engine.resource(key);
    if (resource === undefined) throw new Error(`${engine.place}: nothing declares ${key}.`);
    const shape = await findShape(engine, resource, earlier);
    engine.shapes.set(key, shape);
    return describeFiles(resource, shape, fileColumnOf(engine.store));
  } catch (error) {
    if (!isOfEntity(error)) throw error;
    // The others can be read.
    return { ...entityOf(key), description: `Cannot be read now: ${error.message}`, failure: error };
  }
}

/** As discovery finds it where nothing was settled before. */
export async function shapeOf(engine: FileEngine, resource: CompiledResource): Promise<FileShape> {
  const known = engine.shapes.get(resource.config.name);
  if (known !== undefined) return known;
  const shape = await findShape(engine, resource, { fields: null, names: new Map() });
  engine.shapes.set(resource.config.name, shape);
  return shape;
}

/** @throws TerminalError where no sampled file can be read, or the key has no columns; ProviderError of the store */
async function findShape(engine: FileEngine, resource: CompiledResource, earlier: Earlier): Promise<FileShape> {
  const { oldest, newest, bytes, parts, leftParts } = await pickFiles(engine, resource);
  const { samples, faults, refusals } = await sampleEnds(engine, resource, { oldest, newest });
  const [refused] = refusals;
  if (refused !== undefined && samples.length === 0 && faults.length === 0) throw refused.refusal;
  const [first] = faults;
  if (first !== undefined && samples.length === 0 && earlier.fields === null) {
    throw new TerminalError(
      "source_file_unreadable",
      `${engine.place}: of ${resource.config.name} none of ${faults.length} sampled files can be read. ${first.path} ${first.fault.message}.`,
      { fix: "Correct the format of the resource, or the files.", cause: first.fault },
    );
  }
  const ours = samples.filter((sample) => isOfTable(sample, earlier));
  const shape = inferShape(resource.config, { samples: ours, parts }, earlier);
  requireKey(resource.config, shape);
  const notes = [
    ...shape.notes,
    ...(newest.length === 0 ? ["No file that is not empty matches pathGlob at present."] : []),
    ...(leftParts === 0 ? [] : [`${leftParts} names of folders are more than can be columns.`]),
    ...(refused === undefined ? [] : [`${refused.path} is not given by the source.`]),
    ...faults.map(({ path, fault }) => `${path} ${fault.message}.`),
  ];
  return { ...shape, notes, estimatedRows: bytes === null ? null : Math.round(bytes / shape.rowBytes) };
}

/** A file that shares no column with its table is something else, and adds none. Reading refuses it. */
function isOfTable({ ids }: Sample, { fields }: Earlier): boolean {
  return fields === null || fields.length === 0 || fields.some(({ id }) => ids.includes(id));
}

interface Picked {
  oldest: ListedFile[];
  newest: ListedFile[];
  /** Of all files that match; null where the store does not tell. */
  bytes: number | null;
  /** Of the paths of all files, since a value of a part is nowhere but in its column. */
  parts: string[];
  /** How many have no room among them. */
  leftParts: number;
}

/** Whoever writes files names their folders. */
const MOST_PARTS = 100;

/** The newest files show columns that have come, the oldest those that were there from the start. */
async function pickFiles({ look }: FileEngine, resource: CompiledResource): Promise<Picked> {
  let bytes: number | null = 0;
  const newest = keepFirst<ListedFile>(MOST_INSTEAD);
  const oldest = keepFirst<ListedFile>(MOST_INSTEAD);
  const names = new Set(resource.parts.names);
  const lookAt = resource.parts.names.length > 0 ? null : eachFolder();
  for await (const page of look(resource.prefix)) {
    for (const file of page) {
      if (!resource.has(file) || resource.whyIgnored(file) !== null || file.sizeBytes === 0) continue;
      bytes = bytes === null || file.sizeBytes === null ? null : bytes + file.sizeBytes;
      const time = timeOf(file);
      newest.offer(file, -time);
      oldest.offer(file, time);
      if (lookAt?.(file.path)) for (const part of Object.keys(resource.parts.of(file.path))) names.add(part);
    }
  }
  const parts = [...names].slice(0, MOST_PARTS);
  return { oldest: oldest.kept(), newest: newest.kept(), bytes, parts, leftParts: names.size - parts.length };
}

/** @returns says whether the folder is another than that of the path before. Files of one folder follow each other. */
function eachFolder(): (path: string) => boolean {
  let before: string | null = null;
  return (path) => {
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    const isOther = folder !== before;
    before = folder;
    return isOther;
  };
}

/** Of many, the few with the lowest rank, in that order; of those with the same rank the first. */
function keepFirst<T>(most: number): { offer(item: T, rank: number): void; kept(): T[] } {
  const kept: { item: T; rank: number }[] = [];
  return {
    offer(item, rank) {
      if (kept.length === most && rank >= (kept.at(-1)?.rank ?? rank)) return;
      const behind = kept.findIndex((other) => other.rank > rank);
      kept.splice(behind === -1 ? kept.length : behind, 0, { item, rank });
      if (kept.length > most) kept.pop();
    },
    kept: () => kept.map(({ item }) => item),
  };
}

function timeOf({ modifiedAt }: ListedFile): number {
  return modifiedAt === null ? 0 : Date.parse(modifiedAt);
}

function requireKey(
  { name, primaryKey }: FileResource,
  { fields, pathColumns }: Pick<FileShape, "fields" | "pathColumns">,
): void {
  const columns = new Set([...fields.map(({ column }) => column), ...Object.keys(pathColumns)]);
  const missing = primaryKey.filter((column) => !columns.has(column));
  if (missing.length === 0 || columns.size === 0) return;
  throw new TerminalError("config_invalid", `${name}: no file has the primaryKey column ${missing.join(", ")}.`, {
    fix: `Name columns as the table has them: ${[...columns].slice(0, 20).join(", ")}.`,
  });
}

function describeFiles(resource: CompiledResource, shape: FileShape, column: FileColumn): EntitySchema {
  const [rowKey, eventKey] = [rowKeyOf(column), eventKeyOf(column)];
  const { name, primaryKey, description, pathGlob } = resource.config;
  return {
    ...entityOf(name),
    filesAs: digestOfReading(resource.config),
    description: [description ?? `Rows of the files ${pathGlob}.`, ...shape.notes].join(" "),
    columns: columnsOf(shape, resource.config, column),
    primaryKeyColumns: primaryKey.length > 0 ? primaryKey : rowKey,
    // A key of the user's own is shared by files on purpose: a later row replaces an earlier one.
    ...(primaryKey.length > 0 ? {} : { enforcedKeys: [rowKey, eventKey], eventKeyColumns: eventKey }),
    columnNames: Object.fromEntries(shape.names),
    estimatedRows: shape.estimatedRows,
  };
}

function entityOf(name: string): EntitySchema {
  return {
    ...{ entityKey: name, displayName: name, description: "", columns: [], primaryKeyColumns: [], cursorFields: [] },
    ...{ loadMode: "upsert", dependsOn: [], slicing: { by: "none" }, sizeClass: "l", estimatedRows: null },
    ...{ inferred: true, open: true, files: true },
  };
}

import { RESULT_CLASSES } from "../core/reason-kinds.ts";
import { REASON_CODES } from "../core/result-reasons.ts";
import { RUN_STATUSES } from "../core/run-lifecycle.ts";
import {
  CONNECTION_STATUSES,
  EXECUTION_BACKENDS,
  EXECUTION_MODES,
  LOAD_MODES,
  OVERLAP_POLICIES,
  PROVIDERS,
  RUN_MODES,
  SIZE_CLASSES,
  SLICE_STATUSES,
  SLICING_KINDS,
  STORAGE_KINDS,
  SYNC_STATUSES,
  TABLE_NAMING_VERSIONS,
  TRIGGER_MODES,
  TRIGGERED_BY,
} from "../core/vocabulary.ts";

/** The closed lists as schemas of their own: generated clients then have one type for each, and not one for each place. */

const NAMED = {
  ConnectionStatus: CONNECTION_STATUSES,
  ExecutionBackend: EXECUTION_BACKENDS,
  ExecutionMode: EXECUTION_MODES,
  LoadMode: LOAD_MODES,
  OverlapPolicy: OVERLAP_POLICIES,
  Provider: PROVIDERS,
  ReasonCode: REASON_CODES,
  ResultClass: RESULT_CLASSES,
  RunMode: RUN_MODES,
  RunStatus: RUN_STATUSES,
  SizeClass: SIZE_CLASSES,
  SliceStatus: SLICE_STATUSES,
  SlicingKind: SLICING_KINDS,
  StorageKind: STORAGE_KINDS,
  SyncStatus: SYNC_STATUSES,
  TableNamingVersion: TABLE_NAMING_VERSIONS,
  TriggerMode: TRIGGER_MODES,
  TriggeredBy: TRIGGERED_BY,
} as const satisfies Record<string, readonly string[]>;

export const ENUM_SCHEMAS = Object.fromEntries(
  Object.entries(NAMED).map(([name, values]) => [name, { type: "string" as const, enum: [...values] }]),
);

const NAME_OF = new Map(Object.entries(NAMED).map(([name, values]) => [keyOf(values), name]));

function keyOf(values: readonly unknown[]): string {
  return JSON.stringify(values.filter((value) => value !== null));
}

/** `node` of the document with a reference in the place of each of these lists; what stands beside a list stays. */
export function nameEnums<T>(node: T): T {
  return JSON.parse(JSON.stringify(node), (_, value) => {
    const name = Array.isArray(value?.enum) ? NAME_OF.get(keyOf(value.enum)) : undefined;
    if (name === undefined) return value;
    const { type, enum: values, ...rest } = value;
    const reference = { $ref: `#/components/schemas/${name}` };
    if (values.includes(null)) return { ...rest, anyOf: [reference, { type: "null" }] };
    // Many readers see nothing beside a `$ref`.
    return Object.keys(rest).length === 0 ? reference : { ...rest, allOf: [reference] };
  });
}

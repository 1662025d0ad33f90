import { z } from "zod";
import { isProviderError, TerminalError, TransientError } from "../../../core/errors.ts";
import type { Batch } from "../../batch.ts";
import type { ReadRequest, SharedConnection } from "../../provider.ts";
import type { HttpClient } from "../http/client.ts";
import type { JsonObject } from "../http/json.ts";
import { JobLostError, JobRefusedError, type JobState, runExportJob } from "../jobs.ts";
import { createRowsBatch } from "../rest/batches.ts";
import { holdRecords } from "../rest/held-records.ts";
import { createNewest } from "../rest/newest.ts";
import { START } from "../rest/position.ts";
import { childrenOf, wantedRows } from "../rest/read.ts";
import { readSpecSchema } from "../rest/read-spec.ts";
import { withValueAt } from "../rest/selector.ts";
import { boundsOf, spanOf } from "../rest/steps.ts";
import { makesTables } from "../rest/table-rows.ts";
import { createTablesBatch } from "../rest/tables-batch.ts";
import type { Ask } from "./ask.ts";
import { createCall } from "./client.ts";
import type { GraphqlDeclaration, GraphqlResource } from "./declaration.ts";
import { exportQuery } from "./documents.ts";
import type { Engine } from "./engine.ts";
import type { ExportFile, GraphqlExports } from "./export-declaration.ts";
import { wholeLines } from "./export-lines.ts";
import { type Family, groupLines } from "./group-lines.ts";
import { fillRecords } from "./nested.ts";
import { isLong } from "./plan.ts";
import type { Wanted } from "./selection.ts";
import { placeOf } from "./to-rest.ts";

export interface ExportReader {
  /** Is the slice read by a job, from its start or from where it stands? */
  takes(request: ReadRequest): boolean;
  /** @throws JobRefusedError */
  read(request: ReadRequest): AsyncGenerator<Batch, void>;
}

interface Reading<Config> {
  declaration: Pick<GraphqlDeclaration<Config, never>, "key" | "resources" | "search" | "endpoint">;
  exports: GraphqlExports<Config>;
  engine: Engine;
  wanted: Wanted;
  client: HttpClient;
  ask: Ask;
  /** Long slices begin with a job. */
  isExported: boolean;
  shared: SharedConnection;
}

/** Where a batch of the download ended. The same file is always cut into the same parts. */
const placeSchema = z.object({ part: z.int(), record: z.int() });

/** In the checkpoint of a slice whose records are all read. */
export const EXPORTED = "exported";

const MOST_JOBS = 3;
/** A place for a job is free again so long after its slice was last heard of. */
const LEASE_SECONDS = 15 * 60;
const ASK_AGAIN_SECONDS = 20;
const RECORDS_AT_ONCE = 200;

export function createExportReader<Config>(reading: Reading<Config>): ExportReader {
  const { declaration, exports, engine, wanted, client, ask, isExported, shared } = reading;
  const call = createCall(engine.client, declaration);

  function queryOf({ spec, window }: ReadRequest): string {
    const resource = resourceOf(declaration, spec.entityKey);
    const { incremental } = engine.resources.get(spec.entityKey);
    const { now } = readSpecSchema.parse(spec.source);
    const bounds = boundsOf(spanOf(window, incremental), incremental, now);
    const search = declaration.search?.({
      term: resource.cursor?.term ?? null,
      ...bounds,
      terms: resource.terms ?? null,
    });
    return exportQuery(resource, wanted, search ?? null);
  }

  async function* download(request: ReadRequest, file: ExportFile, from: unknown): AsyncGenerator<Batch, void> {
    const { spec, window } = request;
    const start = placeSchema.safeParse(from).data ?? { part: 0, record: 0 };
    const resource = resourceOf(declaration, spec.entityKey);
    const lead = engine.resources.get(spec.entityKey);
    const rows = wantedRows(lead, spec, childrenOf(engine.resources, spec));
    const span = spanOf(window, lead.incremental);
    const { incremental } = lead;
    const dated =
      incremental === undefined || (span.from === null && span.to === null)
        ? null
        : { ...span, field: incremental.cursorField, format: "iso8601" };
    const newest = createNewest(request.checkpoint?.newest ?? undefined);
    const options = { from: START, newest, takeBytes: () => 0 };
    const batch = makesTables(rows) ? createTablesBatch(spec, rows, options) : createRowsBatch(spec, options);
    const take = (place: { part: number; record: number }, final: boolean): Batch => ({
      ...batch.take(),
      // What is read needs no job any more.
      checkpoint: { ...(final ? { [EXPORTED]: true } : place), ...newest.said() },
      final,
    });
    let last = start;
    if (file.url !== null) {
      const lines = linesOf({ ...file, url: file.url }, request);
      const connections = connectionsOf(resource, wanted);
      for await (const part of groupLines(lines, { bytes: file.bytes, skip: start.part, parentOf: exports.parentOf })) {
        const records = part.families.map((family) => recordOf(family, { connections, exports, spec }));
        let record = part.number === start.part ? start.record : 0;
        while (record < records.length) {
          const some = records.slice(record, record + RECORDS_AT_ONCE);
          await fillRecords(some, engine.nested, call);
          const taken = await holdRecords(some).rows({ dated, parent: null }, rows);
          if (!batch.takes(taken)) yield take(last, false);
          newest.add(taken.newest);
          batch.add({ taken, at: START, next: START, answeredAt: null });
          record += some.length;
          last = { part: part.number, record };
          if (batch.isFull(request)) yield take(last, false);
        }
        last = { part: part.number + 1, record: 0 };
      }
    }
    yield take(last, true);
  }

  async function* linesOf(file: ExportFile & { url: string }, { spec }: ReadRequest) {
    try {
      const doing = `the file of the ${exports.kind} of ${spec.entityKey}`;
      const stream = await client.stream({ doing, method: "GET", url: file.url, presigned: true });
      yield* wholeLines(stream, file, exports.parentOf);
    } catch (error) {
      if (isGone(error)) throw new JobLostError("its file is gone", { cause: error });
      throw error;
    }
  }

  return {
    takes({ checkpoint, window, spec }) {
      if (checkpoint === null)
        return isExported && isLong(window, exports.shortest, readSpecSchema.parse(spec.source).now);
      return ["job", "making", "part"].some((member) => member in checkpoint);
    },
    read(request) {
      const { spec, checkpoint, sliceName = crypto.randomUUID(), isComplete = false } = request;
      const lease = { ...exports.atOnce, seconds: LEASE_SECONDS, job: sliceName };
      const what = `${declaration.key}: ${spec.entityKey}`;
      return runExportJob<ExportFile>({
        ...{ what, kind: exports.kind, checkpoint, sliceName, isComplete, most: MOST_JOBS },
        columns: spec.columns.map(({ name }) => name),
        hasKey: spec.keyColumns.length > 0,
        async create() {
          if (!(await shared.lease(lease))) throw busy(what, exports);
          try {
            return await exports.create(ask, queryOf(request));
          } catch (error) {
            await shared.release(lease);
            throw error;
          }
        },
        // What an earlier run has exported is old: the job has to be one of this plan.
        find: () => exports.find(ask, queryOf(request), new Date(readSpecSchema.parse(spec.source).now)),
        async poll(ref): Promise<JobState<ExportFile>> {
          try {
            const state = await exports.poll(ask, ref);
            await (state.state === "running" ? shared.lease(lease) : shared.release(lease));
            return state;
          } catch (error) {
            if (error instanceof JobRefusedError) await shared.release(lease);
            throw error;
          }
        },
        download: (file, position) => download(request, file, position),
      });
    },
  };
}

function resourceOf(
  { resources }: Pick<GraphqlDeclaration<never, never>, "resources">,
  entityKey: string,
): GraphqlResource {
  const found = resources.find((each) => each.entityKey === entityKey);
  if (found === undefined) throw new Error(`${entityKey} is not declared.`);
  return found;
}

/** Where the resource's nodes have the connections that the query asks for, by the types of their elements. */
function connectionsOf({ children = [] }: GraphqlResource, wanted: Wanted): Map<string, string> {
  return new Map(
    children.flatMap(({ entityKey, type, types = [type], field }): [string, string][] =>
      wanted.has(entityKey) && "connection" in field ? types.map((each) => [each, placeOf(field)]) : [],
    ),
  );
}

interface Composition {
  connections: ReadonlyMap<string, string>;
  exports: Pick<GraphqlExports<never>, "kind" | "typeOf">;
  spec: ReadRequest["spec"];
}

/** The object as a page would have it, with its connections whole. @throws TerminalError source_response_invalid for a child of no connection */
function recordOf({ object, children }: Family, { connections, exports, spec }: Composition): JsonObject {
  const lists = new Map([...connections.values()].map((connection): [string, JsonObject[]] => [connection, []]));
  for (const child of children) {
    const type = exports.typeOf(child);
    const list = lists.get(connections.get(type ?? "") ?? "");
    if (list === undefined) throw unknownType(spec.entityKey, exports.kind, type);
    list.push(child);
  }
  return [...lists].reduce<JsonObject>((whole, [place, nodes]) => {
    // Within an object that is not there, there is no list either.
    if (nodes.length === 0 && place.includes(".")) return whole;
    return withValueAt(whole, place, { nodes, pageInfo: { hasNextPage: false, endCursor: null } }) as JsonObject;
  }, object);
}

/** Left out, it would be deleted from the table. */
function unknownType(entityKey: string, kind: string, type: string | null): TerminalError {
  return new TerminalError(
    "source_response_invalid",
    `The ${kind} of ${entityKey} has an object of the type ${type ?? "(none)"}, which nobody asked for.`,
    { fix: "Read pages instead (config.bulk: never), and report it to whoever maintains the connector." },
  );
}

function isGone(error: unknown): boolean {
  if (!isProviderError(error)) return false;
  return ["source_resource_not_found", "source_permission_denied", "source_rejected_request"].includes(
    error.reasonCode,
  );
}

function busy(what: string, { kind, atOnce }: Pick<GraphqlExports<never>, "kind" | "atOnce">): TransientError {
  return new TransientError(
    "source_rate_limited",
    `${what}: the source runs ${atOnce.limit} jobs of kind ${kind} at once, and all are in use by this connection.`,
    { retryAfterSeconds: ASK_AGAIN_SECONDS },
  );
}

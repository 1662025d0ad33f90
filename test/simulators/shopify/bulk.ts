import { parse, validate } from "graphql";
import type { Dice } from "../../support/random.ts";
import type { VirtualClock } from "../store.ts";
import { type BulkLine, linesOf } from "./bulk-lines.ts";
import { bulkFaultOf } from "./bulk-rules.ts";
import type { BulkDesk, BulkOperation, ShopContext, SpoiltFile } from "./context.ts";
import { run } from "./run.ts";
import { shopifySchema } from "./schema.ts";
import type { ShopSettings } from "./settings.ts";

interface Job {
  operation: BulkOperation;
  context: ShopContext;
  isGrouped: boolean;
  endsAt: number | null;
  lines: string | null;
}

const IN_FLIGHT = ["CREATED", "RUNNING", "CANCELING"];

export function createBulkDesk(clock: VirtualClock, settings: ShopSettings, dice: Dice): BulkDesk {
  const jobs = new Map<string, Job>();
  const startedAt = performance.now();
  const spoils: SpoiltFile[] = [];
  let made = 0;
  // Jobs take time whether or not anybody moves the vendor's clock.
  const now = (): number => clock.now() + performance.now() - startedAt;
  const stamp = (): string => `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;

  /** What has happened meanwhile. */
  function look(job: Job): BulkOperation {
    const { operation } = job;
    if (operation.status === "CREATED") operation.status = "RUNNING";
    else if (operation.status === "CANCELING") operation.status = "CANCELED";
    if (operation.status === "RUNNING" && job.endsAt !== null && now() >= job.endsAt) complete(job, {});
    return operation;
  }

  function complete(
    job: Job,
    { failed = null, partial = false }: { failed?: BulkOperation["errorCode"]; partial?: boolean },
  ) {
    const { operation, context } = job;
    const { data, errors = [] } = run(parse(operation.query), { ...context, isBulk: true });
    const denied = errors.some(({ extensions }) => extensions?.code === "ACCESS_DENIED");
    const errorCode = failed ?? (denied ? "ACCESS_DENIED" : errors.length > 0 ? "INTERNAL_SERVER_ERROR" : null);
    const lines = arrange(linesOf(data), job.isGrouped);
    const kept = errorCode === null ? lines : partial ? lines.slice(0, Math.ceil(lines.length / 2)) : [];
    job.lines = kept.map(({ text }) => `${text}\n`).join("");
    const url =
      kept.length === 0
        ? null
        : `${context.tools.filesUrl}/bulk/${operation.id.split("/").at(-1)}.jsonl?signature=s3cr3t`;
    Object.assign(operation, {
      ...{ status: errorCode === null ? "COMPLETED" : "FAILED", errorCode, completedAt: stamp() },
      ...(errorCode === null ? { url } : { partialDataUrl: url }),
      ...{ objectCount: String(kept.length), fileSize: url === null ? null : String(Buffer.byteLength(job.lines)) },
      rootObjectCount: String(kept.filter(({ parentId }) => parentId === null).length),
    });
  }

  /** Children follow their parents only where that was asked for. */
  function arrange(lines: BulkLine[], isGrouped: boolean): BulkLine[] {
    if (isGrouped || settings.bulkOrder === "grouped") return lines;
    const shuffled = [...lines];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = dice.roll(i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j] as BulkLine, shuffled[i] as BulkLine];
    }
    return shuffled;
  }

  const inFlight = (): Job[] => [...jobs.values()].filter((job) => IN_FLIGHT.includes(look(job).status));

  return {
    run(context, query, isGrouped) {
      if (inFlight().length >= settings.bulkAtOnce)
        return userError("LIMIT_REACHED", "Bulk operations limit reached. Please try again later.");
      const fault = faultOf(query);
      if (fault !== null) return userError("INVALID", fault);
      made += 1;
      const operation: BulkOperation = {
        ...{ id: `gid://shopify/BulkOperation/${made}`, type: "QUERY", status: "CREATED", errorCode: null, query },
        ...{ createdAt: stamp(), completedAt: null, objectCount: "0", rootObjectCount: "0", fileSize: null },
        ...{ url: null, partialDataUrl: null },
      };
      const endsAt = settings.bulkSeconds === null ? null : now() + settings.bulkSeconds * 1_000;
      jobs.set(operation.id, { operation, context, isGrouped, endsAt, lines: null });
      return { bulkOperation: { ...operation }, userErrors: [] };
    },
    find(gid) {
      const job = jobs.get(gid);
      return job === undefined ? null : { ...look(job) };
    },
    newest() {
      const job = [...jobs.values()].at(-1);
      return job === undefined ? null : { ...look(job) };
    },
    page: () => ({
      nodes: [...jobs.values()].reverse().map((job) => ({ ...look(job) })),
      edges: [...jobs.values()].reverse().map((job) => ({ node: { ...look(job) }, cursor: job.operation.id })),
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
    }),
    cancel(gid) {
      const job = jobs.get(gid);
      if (job === undefined)
        return { bulkOperation: null, userErrors: [{ field: ["id"], message: "Bulk operation does not exist" }] };
      if (IN_FLIGHT.includes(look(job).status)) job.operation.status = "CANCELING";
      return { bulkOperation: { ...job.operation }, userErrors: [] };
    },
    fileOf(path) {
      const id = /^\/bulk\/(\d+)\.jsonl$/.exec(path)?.[1];
      const text = jobs.get(`gid://shopify/BulkOperation/${id}`)?.lines ?? null;
      const spoilt = text === null ? undefined : spoils.shift();
      return spoilt === undefined ? text : spoil(text ?? "", spoilt);
    },
    spoilNext: (how) => void spoils.push(how),
    made: () => made,
    finish({ failed = null, partial = false } = {}) {
      for (const job of inFlight()) if (job.operation.status === "RUNNING") complete(job, { failed, partial });
    },
    lose: () => jobs.clear(),
    expire() {
      for (const { operation } of jobs.values())
        if (operation.status === "COMPLETED") Object.assign(operation, { status: "EXPIRED", url: null });
      for (const job of jobs.values()) if (!IN_FLIGHT.includes(job.operation.status)) job.lines = null;
    },
  };
}

function spoil(text: string, how: SpoiltFile): string {
  if (how === "error") return `${JSON.stringify({ errors: "Internal error. Looks like something went wrong." })}\n`;
  const lines = text.split("\n").slice(0, -1);
  return lines
    .slice(0, Math.floor(lines.length / 2))
    .map((line) => `${line}\n`)
    .join("");
}

function userError(code: string, message: string) {
  return { bulkOperation: null, userErrors: [{ field: ["query"], message, code }] };
}

/** @returns null where the query can run in bulk */
function faultOf(query: string): string | null {
  try {
    const document = parse(query);
    const [error] = validate(shopifySchema(), document);
    return error === undefined ? bulkFaultOf(document) : `Invalid bulk query: ${error.message}`;
  } catch (error) {
    return `Invalid bulk query: ${(error as Error).message}`;
  }
}

import { isUtf8 } from "node:buffer";
import { Readable } from "node:stream";
import { escapeLiteral } from "pg";
import type { BackendWatch } from "../../core/backend-watch.ts";
import { portionsOf } from "../../core/copy-text.ts";
import { type Digest, hashText, isSettled, rowText } from "../../core/digests.ts";
import { TerminalError } from "../../core/errors.ts";
import type { BatchResult, LoadableCopy, LoadableRows } from "../destination.ts";
import type { SliceClaim } from "../ledger/claim.ts";
import { commitProgress, NOTHING } from "../ledger/commit-progress.ts";
import { createRunAsHolder } from "../ledger/run-as-holder.ts";
import { refuseDoubles } from "../load/claimed-key.ts";
import { copyIn } from "../load/copy-in.ts";
import { applyInTransaction } from "../load/retry-apply.ts";
import { emptyStage, stageTable } from "../load/staging.ts";
import { windowConditions } from "../load/window-conditions.ts";
import { inTransaction, type Session, type SessionSettings } from "../session.ts";
import { quoteIdentifier, quoteTable, whereOf } from "../sql.ts";
import { atSourcesPace } from "../statement-time.ts";
import type { ComparisonClaim, SliceComparer } from "./comparison.ts";
import { mendByCount } from "./mend-by-count.ts";
import { type Mending, mendByKey } from "./mend-by-key.ts";

/** Of rows that are looked through, what is held at once. */
const PORTION_BYTES = 4 * 1024 * 1024;

export function createSliceComparer(
  settings: SessionSettings,
  session: Session,
  request: ComparisonClaim,
  { claim, watch }: { claim: SliceClaim; watch: BackendWatch },
): SliceComparer {
  const { target, signal } = request;
  const asHolder = createRunAsHolder(settings, session, request, claim);
  const mending = target.keyColumns.length > 0 ? mendByKey : mendByCount;

  async function stage(batches: AsyncIterable<LoadableRows | LoadableCopy>): Promise<Staged> {
    const staged = { rows: 0, rejected: 0 };
    await emptyStage(session, target);
    for await (const batch of batches) {
      const sound = withoutMisencoded(batch, (lines) => {
        staged.rejected += lines;
      });
      staged.rows += await inTransaction(session, () =>
        atSourcesPace(session, () => copyIn(session, stageTable(), sound, signal)),
      );
    }
    return staged;
  }

  function applyStage({ rows, rejected }: Staged): Promise<BatchResult> {
    return applyInTransaction(session, request, async () => {
      await refuseDoubles(session, request, { table: stageTable() });
      await checkLosses(session, request, mending, rows);
      const applied = await mending.apply(session, request);
      const counts = { rowsRead: rows + rejected, rowsRejected: rejected };
      const position = { checkpoint: null, final: false };
      await commitProgress(session, request, claim, { ...position, ...counts, ...applied });
      return { ...counts, rowsWritten: applied.written };
    });
  }

  return {
    done: claim.done,
    digest: (except) => asHolder("comparing", () => digestWindow(session, request, except)),
    reload: (batches) => asHolder("loading", async () => applyStage(await stage(batches))),
    async finish() {
      const end = { ...NOTHING, checkpoint: claim.checkpoint, final: true };
      await asHolder("finishing", () =>
        applyInTransaction(session, request, () => commitProgress(session, request, claim, end)),
      );
    },
    probe: () => watch.look(session),
    close: () => session.close(),
  };
}

interface Staged {
  rows: number;
  /** Not staged, since their text is not UTF-8. */
  rejected: number;
}

/** @param onReject called with the number of lines that are left out, as they pass */
function withoutMisencoded(
  batch: LoadableRows | LoadableCopy,
  onReject: (lines: number) => void,
): LoadableRows | LoadableCopy {
  if (batch.kind === "rows" || batch.unconverted === undefined) return batch;
  const { recycle: _, ...copy } = batch;
  async function* soundLines(): AsyncGenerator<Buffer, void, undefined> {
    for await (const lines of portionsOf(copy.stream, PORTION_BYTES)) {
      const sound = lines.filter(isUtf8);
      onReject(lines.length - sound.length);
      yield Buffer.concat(sound);
    }
  }
  return { ...copy, stream: Readable.from(soundLines(), { objectMode: false }) };
}

async function digestWindow(
  { client }: Session,
  { target, window }: ComparisonClaim,
  except: string[],
): Promise<Digest> {
  const { columns, hash, settled } = target.comparison;
  const row = rowText(columns.map(({ name }) => quoteIdentifier(name)));
  const key = rowText(target.keyColumns.map(quoteIdentifier));
  const conditions = [
    ...windowConditions(window),
    ...(target.goneColumn === null ? [] : [`${quoteIdentifier(target.goneColumn)} is null`]),
    // By key, the source has named what counts for the next run: whatever else lies beyond the state is in no later run.
    ...(settled === null || target.keyColumns.length > 0
      ? []
      : [
          isSettled(
            quoteIdentifier(settled.column),
            `${escapeLiteral(settled.before)}::${settled.type}`,
            settled.inclusive,
          ),
        ]),
    ...(except.length === 0
      ? []
      : [`not exists (select from unnest($1::text[]) as other (key) where other.key = ${key})`]),
  ];
  const { rows } = await client.query<{ rows: string; checksum: string }>(
    `select count(*) as rows, coalesce(sum(${hashText(row, hash)}), 0)::text as checksum
     from ${quoteTable(target)} ${whereOf(conditions)}`,
    except.length === 0 ? [] : [except],
  );
  return { rows: Number(rows[0]?.rows), checksum: rows[0]?.checksum ?? "" };
}

/**
 * Of each window alone, since windows are repaired one by one: no more than that share of the table goes.
 * @param staged rows that the source has
 * @throws TerminalError delete_guard_tripped, unexpected_zero_rows
 */
async function checkLosses(
  session: Session,
  request: ComparisonClaim,
  mending: Mending,
  staged: number,
): Promise<void> {
  const { target, guards, entityKey, window } = request;
  const isEmptied = staged === 0 && window.by === "none" && guards?.zeroRows === true;
  const most = guards?.maxDeleteShare ?? null;
  if (most === null && !isEmptied) return;
  const { present, lost } = await mending.countLosses(session, request);
  const stopped = (reasonCode: "unexpected_zero_rows" | "delete_guard_tripped", why: string) =>
    new TerminalError(reasonCode, `${target.schema}.${target.table} keeps its rows: of ${entityKey} ${why}.`, {
      fix: GUARD_FIX,
    });
  if (isEmptied && present > 0) {
    throw stopped("unexpected_zero_rows", `the source gave none, the table has ${present}, and guards.zeroRows is on`);
  }
  if (most === null || lost <= most * present) return;
  throw stopped(
    "delete_guard_tripped",
    `${lost} of the ${present} in one window would go, more than guards.maxDeleteShare (${most})`,
  );
}

const GUARD_FIX = 'Look at the source. If it is right, retry the run with {"liftGuards": true}, or change the guard.';

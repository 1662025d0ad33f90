/** Made from docs/openapi.json by `npm run openapi`. A test holds it equal; edits are lost. */

export interface paths {
    "/api/v1/syncs/{sync_id}/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Sync Runs
         * @description Newest first.
         */
        get: operations["listSyncRuns"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Runs
         * @description Of all syncs, deleted ones included, newest first. Of a filter that is repeated any value will do.
         */
        get: operations["listRuns"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/syncs/{sync_id}/trigger": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Trigger Sync
         * @description Admits a run at once, even while Temporal is down. 409 with `activeRunId` while another one is active.
         */
        post: operations["triggerSync"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/syncs/{sync_id}/backfills": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Start Backfill
         * @description A run that reads a window of the cursor again and leaves the cursor state alone. Rows of the table that have a newer cursor stay.
         */
        post: operations["startBackfill"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/syncs/runs/{run_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get Sync Run */
        get: operations["getSyncRun"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/syncs/runs/{run_id}/slices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Slices of a Sync Run
         * @description What of the chain's plan is done, in the order of the plan. Empty until the run is planned.
         */
        get: operations["listSyncRunSlices"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/syncs/runs/{run_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel Sync Run
         * @description The first caller is recorded; asking again answers the same run. Ends the chain of attempts.
         */
        post: operations["cancelSyncRun"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/syncs/runs/{run_id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Retry Sync Run
         * @description Opens the next attempt of a run that ended without success: it goes on where the last batch was committed.
         */
        post: operations["retrySyncRun"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/syncs/runs/{run_id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Events of a Sync Run
         * @description What happened in the run, oldest first: a page of it, or with `Accept: text/event-stream` all of it as it happens. A stream that breaks goes on behind `Last-Event-ID`; no event is missed and none comes twice.
         */
        get: operations["listSyncRunEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/syncs/runs/{run_id}/rejected-rows": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Rejected Rows of a Sync Run
         * @description Rows that were not loaded since the destination could not take them as they are: at most 1,000, the first of every slice. There once the run has ended; those of earlier attempts at the same plan are among them. The table `_sluice.rejects` of the destination has all of them.
         */
        get: operations["listSyncRunRejectedRows"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/syncs/providers/{provider}/catalog": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get Sync Provider Catalog */
        get: operations["getSyncProviderCatalog"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/syncs/{sync_id}/state": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Sync State
         * @description Of each entity, in the order of the sync's `entities`, where the next incremental run starts.
         */
        get: operations["getSyncState"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Set Sync State
         * @description Sets, resets or takes back the states of the entities that are named: all of them or, when one cannot be, none. Each makes a version of its own. 409 while a run is active.
         */
        patch: operations["setSyncState"];
        trace?: never;
    };
    "/api/v1/syncs/{sync_id}/state/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Versions of Sync State
         * @description How the states came to be what they are, newest first. Also of entities that were taken out of the sync.
         */
        get: operations["listSyncStateVersions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/syncs/{sync_id}/plan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Plan Sync
         * @description What a run would do now: slices, DDL, deletes, and what the tables would lose for good. A worker asks source and destination, and changes nothing. 202 with `Location` when it takes longer than 5 s, or than 20 s for up to 50 entities. 409 `connection_failed` with `checks` when the connection does not work.
         */
        post: operations["planSync"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/syncs/{sync_id}/plans/{plan_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Sync Plan
         * @description A plan that was answered with 202: while it is being made, the entities that are planned so far. It takes the same scope as to ask for it, and is kept for a day.
         */
        get: operations["getSyncPlan"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/syncs/{sync_id}/schedule/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Preview Sync Schedule
         * @description The next times of the schedule, as Temporal computes them. A sync that does not fire now gets the times that would come, and `notes` say why they do not.
         */
        get: operations["previewSyncSchedule"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/syncs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Syncs
         * @description Newest first. Without a status filter: all, archived ones included.
         */
        get: operations["listSyncs"];
        put?: never;
        /**
         * Create Sync
         * @description With status `active`, the connection is checked and the entities are looked up first.
         */
        post: operations["createSync"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/syncs/{sync_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get Sync */
        get: operations["getSync"];
        put?: never;
        post?: never;
        /**
         * Delete Sync
         * @description Its run is cancelled, its runs stay readable by id, its tables in the warehouse are left alone.
         */
        delete: operations["deleteSync"];
        options?: never;
        head?: never;
        /**
         * Update Sync
         * @description Absent fields stay. Objects and lists are replaced whole. `null` resets config objects and bindings to their defaults and clears schedule and SLA. The edit applies to the next chain of runs.
         */
        patch: operations["updateSync"];
        trace?: never;
    };
    "/api/v1/connections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Connections
         * @description Newest first.
         */
        get: operations["listConnections"];
        put?: never;
        /** Create Connection */
        post: operations["createConnection"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/connections/{connection_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get Connection */
        get: operations["getConnection"];
        put?: never;
        post?: never;
        /**
         * Delete Connection
         * @description 409 with `syncIds` while syncs use it, and for two minutes at most while an export job at the source is being cancelled. Its secrets are erased.
         */
        delete: operations["deleteConnection"];
        options?: never;
        head?: never;
        /**
         * Update Connection
         * @description `config` is replaced whole. Of `secrets`, those named change and `null` removes one. A `config` that changes where secrets go (host, base URL, login, TLS) needs all of them again. New settings make the connection unchecked.
         */
        patch: operations["updateConnection"];
        trace?: never;
    };
    "/api/v1/connections/{connection_id}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Syncs That Use a Connection
         * @description As source, as destination, or as both. Newest first.
         */
        get: operations["listConnectionUsage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/connections/{connection_id}/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Check Connection
         * @description A worker tries the connection now; what it found is in `status` and `checks`.
         */
        post: operations["checkConnection"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/connections/{connection_id}/catalog": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Connection Catalog
         * @description What the source has now, by entity key. A worker asks it, unless it has been asked with the same settings less than a minute ago. 409 `connection_failed` with `checks` when the connection does not work.
         */
        get: operations["getConnectionCatalog"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/connections/{connection_id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Rotate Connection Secrets
         * @description A worker tries the new secrets first; they replace the old ones only when they work, and are forgotten otherwise. Of two rotations at once the second is 409 `rotation_active`.
         */
        post: operations["rotateConnectionSecrets"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/result-reasons": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Result Reasons
         * @description Every `resultReasonCode` that a run can end with.
         */
        get: operations["listResultReasons"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit-events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Audit Events
         * @description Who changed what, newest first. Secrets appear as names only.
         */
        get: operations["listAuditEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Workers
         * @description Live workers first, with the task queues that they serve and their slots. Workers that are gone are listed for a day.
         */
        get: operations["listWorkers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Is the process alive? */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Can it serve requests? */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        RunPage: {
            /** @description There is more after this page. */
            hasNext: boolean;
            limit: number;
            offset: number;
            /** @description Of all pages. */
            total: number;
            runs: components["schemas"]["Run"][];
        };
        Run: {
            attemptNumber: number;
            /** Format: uuid */
            attemptRootRunId: string;
            /** Format: date-time */
            backendHeartbeatAt: string | null;
            backendRunRef: string | null;
            backendRunUrl: string | null;
            /** @description Of a run that has not ended: `pendingActivities` (at work, or waiting for another try), `attempt` (most tries of one of them) and `lastFailure`. */
            backendStatus: {
                [key: string]: unknown;
            };
            cancelReason: string | null;
            /** Format: date-time */
            cancelRequestedAt: string | null;
            cancelRequestedBy: string | null;
            /** Format: date-time */
            completedAt: string | null;
            /** Format: date-time */
            createdAt: string;
            error: string | null;
            executionBackend: components["schemas"]["ExecutionBackend"];
            executionMode: components["schemas"]["ExecutionMode"];
            executorId: string | null;
            /** Format: uuid */
            id: string;
            /** Format: date-time */
            lastHeartbeatAt: string | null;
            maxAutoResumeAttempts: number;
            /** Format: uuid */
            nextAttemptRunId: string | null;
            /** Format: uuid */
            previousAttemptRunId: string | null;
            /** @description What the run was asked for beyond its mode. */
            request: {
                confirmedPlan: string | null;
                /** @description Null: all of the sync's. */
                entities: string[] | null;
                liftGuards: boolean;
                window: {
                    from: string;
                    to: string | null;
                } | null;
            };
            resultClass: components["schemas"]["ResultClass"] | null;
            resultReasonCode: components["schemas"]["ReasonCode"] | null;
            runMode: components["schemas"]["RunMode"];
            /** Format: date-time */
            startedAt: string | null;
            status: components["schemas"]["RunStatus"];
            /** @description Counts of rows and slices, and more by mode. Of a run that has not ended also `phase` (starting, waiting_for_slot, planning, loading, finishing, proving) and, while it stands still, `waiting` with `reason` and `since`. */
            summary: {
                [key: string]: unknown;
            };
            /** Format: uuid */
            syncId: string;
            triggerRef: string | null;
            triggeredBy: components["schemas"]["TriggeredBy"];
            /** Format: date-time */
            updatedAt: string;
        };
        /** @description Some codes bring further keys, such as `activeRunId` with `run_active`. */
        ApiError: {
            /** @description What is wrong, for people. */
            detail: string;
            /**
             * @description What is wrong, for programs.
             * @example not_found
             */
            code: string;
            /**
             * Format: uuid
             * @description With `run_active`: which one.
             */
            activeRunId?: string | null;
            /** @description With `connection_failed`: what was found. */
            checks?: components["schemas"]["ConnectionCheck"][];
            /** @description With `binding_frozen` and `state_version_conflict`. */
            entityKey?: string;
            /**
             * Format: uuid
             * @description With `run_terminal` and `run_already_followed`: the attempt after this one.
             */
            nextAttemptRunId?: string | null;
            /** @description With `binding_frozen`: as it is and stays. */
            physicalTableName?: string;
            /**
             * @description With `insufficient_scope`.
             * @enum {string}
             */
            requiredScope?: "observe" | "read" | "operate" | "confirm" | "execute" | "admin";
            /** @description With `slug_taken`. */
            slug?: string;
            /** @description With `invalid_status_change`: the present one. */
            status?: components["schemas"]["SyncStatus"];
            /** @description With `connection_in_use`: at most 100 of them. */
            syncIds?: string[];
            /** @description With `state_version_conflict`: the present one. */
            version?: number;
        };
        ConnectionCheck: {
            name: string;
            ok: boolean;
            message: string;
            fix: string;
        };
        ValidationError: {
            detail: components["schemas"]["ValidationIssue"][];
        };
        ValidationIssue: {
            /** @description Where: body, query, path, header or cookie, then the way to the value. */
            loc: (string | number)[];
            msg: string;
            /**
             * @description missing, extra_forbidden, string_type, enum, value_error, not_available_yet, ...
             * @example missing
             */
            type: string;
        };
        TriggerSync: {
            /** @description Absent: incremental. A backfill has a path of its own. */
            runMode?: components["schemas"]["RunMode"] | null;
            /** @description Of the sync's; absent: all of them. The cursors of the others stay where they are. */
            entities?: string[];
        };
        StartBackfill: {
            window: {
                /**
                 * @description Rows whose cursor is this or later.
                 * @example 2026-01-01
                 */
                from: number | string;
                /**
                 * @description Rows whose cursor is earlier than this. Absent: up to the newest that there is.
                 * @example 2026-02-01T00:00:00Z
                 */
                to?: number | string | null;
            };
            /** @description Of the sync's; absent: all of them. The cursors of the others stay where they are. */
            entities?: string[];
        };
        RunSlicePage: {
            /** @description There is more after this page. */
            hasNext: boolean;
            limit: number;
            offset: number;
            /** @description Of all pages. */
            total: number;
            slices: components["schemas"]["RunSlice"][];
        };
        RunSlice: {
            bytesRead: number;
            /** Format: date-time */
            completedAt: string | null;
            entityKey: string;
            error: string | null;
            /** @description Done by an earlier attempt; its rows do not count again. */
            inherited: boolean;
            /** @description `3/12`, or dates for windows of time. */
            label: string;
            /** @description Why it failed; while it is running or waiting, why its last try did. */
            reasonCode: components["schemas"]["ReasonCode"] | null;
            /** @description Of `rowsWritten`: rows that the source has deleted. */
            rowsDeleted: number;
            rowsRead: number;
            rowsRejected: number;
            rowsWritten: number;
            sliceNo: number;
            /** Format: date-time */
            startedAt: string | null;
            status: components["schemas"]["SliceStatus"];
            /** @description By entityKey, of a slice that loads a parent and its children: its own counts are their sums. Null: it loads `entityKey` alone. */
            tables: {
                [key: string]: components["schemas"]["TableCounts"];
            } | null;
            /** @description How often a worker has taken it up in this attempt. */
            tries: number;
            /** Format: date-time */
            updatedAt: string;
            verification: components["schemas"]["Verification"];
            waitReason: string | null;
            /** Format: date-time */
            waitUntil: string | null;
        };
        TableCounts: {
            rowsDeleted: number;
            rowsRead: number;
            rowsRejected: number;
            rowsWritten: number;
        };
        /** @description Of a run that verifies or repairs: what it found in the slice's window. `done` and not `equal`: it was loaded again. */
        Verification: {
            destinationRows: number;
            equal: boolean;
            sourceRows: number;
        } | null;
        CancelRun: {
            reason?: string | null;
        };
        RetryRun: {
            /** @description Absent: resumes the chain. Another mode than the run's makes a new plan. */
            runMode?: components["schemas"]["RunMode"] | null;
            /**
             * @description The guards of `destinationConfig` let the chain pass from here on: for whoever has looked at what they stopped. It takes scope `confirm`.
             * @enum {boolean}
             */
            liftGuards?: true;
        };
        RunEventPage: {
            events: components["schemas"]["RunEvent"][];
            /** @description There is more after this page already. */
            hasNext: boolean;
            /** @description Of this page; `after` when it is empty. The next page comes `after` it. */
            lastSeq: number;
            limit: number;
        };
        RunEvent: {
            /**
             * Format: date-time
             * @description When it happened.
             */
            at: string;
            data: {
                [key: string]: unknown;
            };
            /**
             * @description What happened, with what `data` then has:
             *
             *     - `run.admitted`: The run is on record. `status`, `runMode`, `triggeredBy`, `triggerRef`, `attemptNumber`, `previousAttemptRunId`, `notBefore`
             *     - `run.promoted`: It was queued, and it is its turn.
             *     - `run.dispatched`: Temporal has taken its workflow. `backendRunRef`
             *     - `run.begun`: Its workflow is at work. `backendRunRef`
             *     - `run.planned`: `planId`, `entities`, `entitiesFailed` (could not be planned), `slicesTotal`, `slicesInherited` (done by earlier attempts), `replanned`
             *     - `destination.set_back`: It lacks what was loaded: it was restored to an older state, or is another one. `entityKeys` are read anew
             *     - `destination.table_changed`: Somebody has changed the table of an entity, such as dropped one of its columns. `entityKey`, `message`, as in `summary.warnings`
             *     - `source.resync`: The state of an entity, such as the token of its change feed, is of no use any more, so the entity is read as a whole. `entityKey`, `message`, as in `summary.warnings`
             *     - `source.warning`: An entity is read otherwise than people expect, such as page by page where the source refuses an export. `entityKey`, `message`, as in `summary.warnings`
             *     - `source.files_left_out`: Files of an entity are not loaded: they could not be read and have not changed since, may not be read, are too large, or cannot be read as they are; or no file matches the glob. `entityKey`, `message` for each of the first ones, as in `summary.warnings`
             *     - `source.job_cancelled`: An export job that nobody waits for any more was cancelled at the source. `entityKey`, `jobKind`. It may come after `run.ended`
             *     - `source.job_left`: An export job that nobody waits for any more could not be cancelled at the source. `entityKey`, `jobKind`, `error`. It may come after `run.ended`
             *     - `run.waiting`: Every slice at work waits, or the planning of all. `reasonCode`, `resumeAt`, `entityKey` of the slice that goes on first
             *     - `run.resumed`: A slice has gone on.
             *     - `run.cancel_requested`: `requestedBy`
             *     - `run.cancel_delivered`: Temporal has taken the cancel.
             *     - `run.ended`: `status`, `resultClass`, `resultReasonCode`, `error`, `slicesTotal`, `slicesDone`, `rowsRead`, `rowsWritten`, `rowsRejected`, `rowsDeleted`
             *     - `slice.started`: A worker has taken it up. `sliceNo`, `entityKey`, `label`, `tries` (in this attempt, this one included)
             *     - `slice.waiting`: It holds no slot until `waitUntil`. `sliceNo`, `entityKey`, `label`, `waitReason`, `waitUntil`
             *     - `slice.interrupted`: A try failed, and the slice is tried again. `sliceNo`, `entityKey`, `label`, `reasonCode`, `error`
             *     - `slice.done`: `sliceNo`, `entityKey`, `label`, `rowsRead`, `rowsWritten`, `rowsRejected`, `rowsDeleted`, `bytesRead`: as far as they were counted by then
             *     - `slice.failed`: `sliceNo`, `entityKey`, `label`, `reasonCode`, `error`, `rowsRead`, `rowsWritten`, `rowsRejected`, `rowsDeleted`, `bytesRead`
             *     - `worker.lost`: A worker was not heard of for 35 s. `executorId`, `work`: what waits for another worker, each with `activity`, `subject` (slice or entity) and `label`
             *     - `worker.stopped`: A worker was stopped and has handed its work back. `executorId`, `work`
             *     - `entity.swapped`: The table that was loaded beside is in place. `entityKey`
             * @example run.admitted
             */
            kind: string;
            /** @description Counts the events of the run from 1, in the order in which they can be seen. */
            seq: number;
        };
        RejectedRowPage: {
            /** @description There is more after this page. */
            hasNext: boolean;
            limit: number;
            offset: number;
            /** @description Of all pages. */
            total: number;
            rejectedRows: components["schemas"]["RejectedRow"][];
        };
        RejectedRow: {
            /** @description Null where the row as a whole is at fault. */
            columnName: string | null;
            entityKey: string;
            reason: string;
            /** @description As the source gave it, mostly JSON; cut to 8 KiB. */
            record: string;
            /** @description Counts the rows that were read of the slice, from 1. */
            rowNo: number;
            sliceNo: number;
        };
        ProviderCatalog: {
            availableResources: string[];
            /** @description JSON Schema (2020-12) of a sync's `sourceConfig`. */
            configSchema: {
                [key: string]: unknown;
            };
            /** @description JSON Schema (2020-12) of a connection; its writeOnly fields go into `secrets`, the others into `config`. */
            connectionSchema: {
                [key: string]: unknown;
            };
            defaultResources: string[];
            /** @description Defaults of `sourceConfig`. */
            defaults: {
                [key: string]: unknown;
            };
            displayName: string;
            /** @description Resources are found by discovery: the list does not hold all. */
            dynamicResources: boolean;
            name: string;
            provider: components["schemas"]["Provider"];
            resources: components["schemas"]["CatalogResource"][];
        };
        CatalogResource: {
            /** @description The entityKey of the parent whose answers feed it: both are read together. Null without one. */
            childOf: string | null;
            /** @description Columns of its table; null where only discovery finds them. */
            columns: components["schemas"]["CatalogColumn"][] | null;
            /** @description JSON Schema of `sourceConfig.resources[entityKey]`. */
            configSchema: {
                [key: string]: unknown;
            };
            cursorField: string | null;
            defaultSelected: boolean;
            dependsOn: string[];
            description: string;
            displayName: string;
            entityKey: string;
            loadMode: components["schemas"]["LoadMode"];
            /** @description Null where only discovery finds it. */
            primaryKey: string[] | null;
            /** @description Rows of a run: xs under 10 thousand, s under 100 thousand, m under a million, l under 20 million, xl more. */
            sizeClass: components["schemas"]["SizeClass"];
            slicing: {
                by: components["schemas"]["SlicingKind"];
                column?: string;
                defaultWindow?: string;
            };
            storageDescription: string;
            storageKind: components["schemas"]["StorageKind"];
        };
        CatalogColumn: {
            description: string | null;
            name: string;
            nullable: boolean;
            /** @description Where a record of the source has it; `$` is the whole record. */
            path: string | null;
            /** @description Postgres type. */
            type: string;
        };
        SyncStatePage: {
            /** @description There is more after this page. */
            hasNext: boolean;
            limit: number;
            offset: number;
            /** @description Of all pages. */
            total: number;
            entities: components["schemas"]["EntityState"][];
        };
        EntityState: {
            /** @description Who set it; null where a run moved it. */
            createdBy: string | null;
            /** @description null: the next incremental run reads everything. */
            cursor: string | null;
            entityKey: string;
            /**
             * Format: uuid
             * @description Of the run that moved it.
             */
            runId: string | null;
            /** Format: date-time */
            updatedAt: string | null;
            /** @description 0 where there is no state yet. */
            version: number;
        };
        SyncState: {
            entities: components["schemas"]["EntityState"][];
        };
        SetSyncState: {
            /** @description By entityKey. */
            entities: {
                [key: string]: components["schemas"]["SyncStateChange"];
            };
        };
        SyncStateChange: {
            /** @description In the source's own writing; the next incremental run starts there. null: it reads everything and merges it; nothing is cleared. */
            cursor?: string | null;
            /** @description Back to what this version was. */
            version?: number;
            /** @description 409 unless this is the present version. */
            expectedVersion?: number;
        };
        EntityStateVersionPage: {
            /** @description There is more after this page. */
            hasNext: boolean;
            limit: number;
            offset: number;
            /** @description Of all pages. */
            total: number;
            versions: components["schemas"]["EntityStateVersion"][];
        };
        EntityStateVersion: {
            /** @description Who set it; null where a run moved it. */
            createdBy: string | null;
            /** @description null: the next incremental run reads everything. */
            cursor: string | null;
            entityKey: string;
            /**
             * Format: uuid
             * @description Of the run that moved it.
             */
            runId: string | null;
            /** Format: date-time */
            createdAt: string;
            version: number;
        };
        SyncPlan: {
            /** @description Confirms all that is named in `losses`, in header `Sluice-Confirm-Plan`; null where nothing is. */
            confirmToken: string | null;
            /** @description An entity has `losses`. */
            destructive: boolean;
            /** @description By entityKey. */
            entities: components["schemas"]["PlannedEntity"][];
            /** Format: uuid */
            id: string;
            /** @enum {string} */
            runMode: "incremental" | "full_refresh" | "backfill";
            /** Format: uuid */
            syncId: string;
        };
        PlannedEntity: {
            entityKey: string;
            failure: components["schemas"]["PlannedFailure"];
            load: components["schemas"]["PlannedLoad"];
        };
        /** @description What the entity would fail with, as far as it is known now. */
        PlannedFailure: {
            message: string;
            reasonCode: components["schemas"]["ReasonCode"];
        } | null;
        /** @description null with `failure`. */
        PlannedLoad: {
            /**
             * @description `copy`: straight into the table; `merge`: by key, newest cursor wins; `append`: what is not there yet; `replace`: each window takes the place of the table's.
             * @enum {string}
             */
            apply: "copy" | "merge" | "append" | "replace";
            /** @description DDL that runs before the first row, each cut to 4,000 characters; `gN_` is a generation not made yet. */
            changes: string[];
            confirmation: string | null;
            /** @description Where the cursor stands, and where it would stand after the run. */
            cursor: {
                from: string | null;
                to: string | null;
            };
            cursorField: string | null;
            /** @description Rows that go: those that are not among the new ones (`swap`), that get `_deleted_at` (`mark_deleted`), or of the windows that are read (`window`). */
            deletes: {
                /** @enum {string} */
                kind: "none" | "swap" | "mark_deleted" | "window";
                /** @description A guess. */
                rows: number | null;
            };
            /** @description What the databases guess; null where they have no idea. */
            estimatedRows: {
                /** @description In the table. */
                present: number | null;
                /** @description At the source. */
                toRead: number | null;
            };
            keyColumns: string[];
            loadMode: components["schemas"]["LoadMode"];
            /** @description What the table gives up for good, if the run is confirmed. */
            losses: string[];
            /** @enum {string} */
            scan: "full" | "incremental" | "backfill";
            slices: {
                count: number;
                /** @description Of the first 20. */
                labels: string[];
            };
            /**
             * @description With its schema.
             * @example shop.orders
             */
            table: string;
        } | null;
        /** @description A plan that takes longer than a request. It is kept for a day. */
        SyncPlanTask: {
            /** Format: date-time */
            completedAt: string | null;
            /** @description As in SyncPlan; null until `status` is `succeeded`. */
            confirmToken: string | null;
            /** Format: date-time */
            createdAt: string;
            /** @description As in SyncPlan; null until `status` is `succeeded`. */
            destructive: boolean | null;
            /** @description While `status` is `running`, those that are planned so far. Then all of them, by entityKey. */
            entities: components["schemas"]["PlannedEntity"][];
            /** @description How many entities the plan is to have. */
            entitiesTotal: number;
            /** @description Why there is no plan; null unless `status` is `failed`. */
            error: string | null;
            /** Format: uuid */
            id: string;
            /** @enum {string} */
            runMode: "incremental" | "full_refresh" | "backfill";
            /** @enum {string} */
            status: "running" | "succeeded" | "failed";
            /** Format: uuid */
            syncId: string;
        };
        PlanSync: {
            /**
             * @description Absent: incremental.
             * @enum {string|null}
             */
            runMode?: "incremental" | "full_refresh" | "backfill" | null;
            /** @description Of the sync's; absent: all of them. The cursors of the others stay where they are. */
            entities?: string[];
            /** @description Of a backfill, and only of one. */
            window?: {
                /**
                 * @description Rows whose cursor is this or later.
                 * @example 2026-01-01
                 */
                from: number | string;
                /**
                 * @description Rows whose cursor is earlier than this. Absent: up to the newest that there is.
                 * @example 2026-02-01T00:00:00Z
                 */
                to?: number | string | null;
            };
        };
        SchedulePreview: {
            /** @description In ascending order; empty for a sync that does not run by time. */
            fires: components["schemas"]["ScheduledFire"][];
            /** @description Runs will start at these times: the sync is active, and its trigger mode is `scheduled`. */
            inForce: boolean;
            /** @description Why times are missing, or will not come; empty: nothing is in the way. */
            notes: components["schemas"]["SchedulePreviewNote"][];
            /** Format: uuid */
            syncId: string;
            /** @description Of `cron`; null for a sync that does not run by time. */
            timezone: string | null;
        };
        ScheduledFire: {
            /**
             * Format: date-time
             * @description The time that the schedule names.
             */
            nominalAt: string;
            /**
             * Format: date-time
             * @description With its jitter: when the run is due. null with note `jitter_unknown`.
             */
            startsAt: string | null;
        };
        SchedulePreviewNote: {
            /** @enum {string} */
            code: "no_schedule" | "schedule_refused" | "after_syncs" | "not_scheduled" | "not_active" | "no_more_times" | "jitter_unknown";
            /** @description What is so, and what to do about it. */
            message: string;
        };
        SyncPage: {
            /** @description There is more after this page. */
            hasNext: boolean;
            limit: number;
            offset: number;
            /** @description Of all pages. */
            total: number;
            syncs: components["schemas"]["Sync"][];
        };
        Sync: {
            /** Format: uuid */
            connectionId: string;
            /** Format: date-time */
            createdAt: string;
            createdBy: string;
            destinationConfig: {
                [key: string]: unknown;
            };
            entities: string[];
            executionBackend: components["schemas"]["ExecutionBackend"];
            executionConfig: {
                [key: string]: unknown;
            };
            executionMode: components["schemas"]["ExecutionMode"];
            /** @description Attempt chains in a row that have failed, up to the latest. `executionConfig.maxFailedChains` of them put the sync into `error`. */
            failedChains: number;
            freshnessSlaSeconds: number | null;
            /** Format: uuid */
            id: string;
            lastError: string | null;
            /** Format: date-time */
            lastSuccessAt: string | null;
            name: string;
            /** @description Attempt chains in a row that have ended `partial`, up to the latest; `lastError` says why the last one did. */
            partialChains: number;
            providerKey: components["schemas"]["Provider"];
            schedule: {
                [key: string]: unknown;
            } | null;
            slug: string;
            sourceConfig: {
                [key: string]: unknown;
            };
            status: components["schemas"]["SyncStatus"];
            tableBindings: components["schemas"]["TableBinding"][];
            taskSlug: string;
            triggerMode: components["schemas"]["TriggerMode"];
            /** Format: date-time */
            updatedAt: string;
            updatedBy: string;
        };
        TableBinding: {
            /** Format: date-time */
            createdAt: string;
            cursorField: string | null;
            entityKey: string;
            /** Format: uuid */
            id: string;
            loadMode: components["schemas"]["LoadMode"];
            logicalTableName: string;
            /** @description The table in the destination; frozen at the first load. */
            physicalTableName: string;
            primaryKeyColumns: string[];
            sourceInstanceKey: string;
            tableName: string | null;
            tableNamingVersion: components["schemas"]["TableNamingVersion"];
            /** Format: date-time */
            updatedAt: string;
        };
        CreateSync: {
            /** Format: uuid */
            connectionId: string;
            /** @description Destination envelope; empty: the default warehouse, schema named for the provider. */
            destinationConfig?: {
                /** @enum {string} */
                provider?: "postgres";
                /**
                 * Format: uuid
                 * @description Absent: the default warehouse.
                 */
                connectionId?: string;
                /** @description Absent: named for the source's provider. */
                schema?: string;
                /** @description What happens to a table or column that is not there yet, and to a value that does not fit its type. `evolve` (the default): the destination follows; `freeze`: the entity fails first; `discard_row`: such rows are rejected; `discard_value`: they are loaded without it. */
                schemaPolicy?: {
                    /** @enum {string} */
                    tables?: "evolve" | "freeze";
                    /** @enum {string} */
                    columns?: "evolve" | "freeze" | "discard_row" | "discard_value";
                    /** @enum {string} */
                    types?: "evolve" | "freeze" | "discard_row" | "discard_value";
                };
                /** @description A result that trips one is not shown, and the entity fails. */
                guards?: {
                    /** @description A complete scan that finds nothing does not empty a table that has rows; default true. */
                    zeroRows?: boolean;
                    /** @description Share of the table's rows that a complete scan may remove or mark as deleted; default null, all. */
                    maxDeleteShare?: number | null;
                    /** @description A complete scan may have at most this many times the table's rows; default null. */
                    maxRowsFactor?: number | null;
                    /** @description A complete scan must have at least this many times the table's rows; default null. */
                    minRowsFactor?: number | null;
                };
                /**
                 * @description What becomes of a row that the source tells it has deleted, with load mode upsert: `remove` takes it out of the table, `mark` keeps it with `_deleted_at`. Default: `remove`.
                 * @enum {string}
                 */
                onDelete?: "remove" | "mark";
                /** @description By entityKey; goes before what is said for all. */
                entities?: {
                    [key: string]: {
                        /** @description What happens to a table or column that is not there yet, and to a value that does not fit its type. `evolve` (the default): the destination follows; `freeze`: the entity fails first; `discard_row`: such rows are rejected; `discard_value`: they are loaded without it. */
                        schemaPolicy?: {
                            /** @enum {string} */
                            tables?: "evolve" | "freeze";
                            /** @enum {string} */
                            columns?: "evolve" | "freeze" | "discard_row" | "discard_value";
                            /** @enum {string} */
                            types?: "evolve" | "freeze" | "discard_row" | "discard_value";
                        };
                        /** @description A result that trips one is not shown, and the entity fails. */
                        guards?: {
                            /** @description A complete scan that finds nothing does not empty a table that has rows; default true. */
                            zeroRows?: boolean;
                            /** @description Share of the table's rows that a complete scan may remove or mark as deleted; default null, all. */
                            maxDeleteShare?: number | null;
                            /** @description A complete scan may have at most this many times the table's rows; default null. */
                            maxRowsFactor?: number | null;
                            /** @description A complete scan must have at least this many times the table's rows; default null. */
                            minRowsFactor?: number | null;
                        };
                        maxRejectedRows?: number;
                        /**
                         * @description What becomes of a row that the source tells it has deleted, with load mode upsert: `remove` takes it out of the table, `mark` keeps it with `_deleted_at`. Default: `remove`.
                         * @enum {string}
                         */
                        onDelete?: "remove" | "mark";
                    };
                };
            };
            /** @description Absent: the catalog's defaults. Empty only in draft. */
            entities?: string[];
            /** @default native */
            executionBackend?: components["schemas"]["ExecutionBackend"];
            /** @description Execution tuning payload. */
            executionConfig?: {
                /** @description Slices at work at once; default 4. */
                maxConcurrency?: number;
                batchRows?: number;
                batchBytes?: number;
                /** @description Rows of a key window, or an ISO 8601 duration for time windows; absent: the provider's choice. */
                windowSize?: number | string;
                lookbackSeconds?: number;
                safetyLagSeconds?: number;
                /** @description Default 3. */
                maxAutoResumeAttempts?: number;
                /** @description So many failed attempt chains in a row put an active sync into `error`; default 5. With 0 they may fail for ever. */
                maxFailedChains?: number;
                /** @description Default 60. */
                heartbeatTimeoutSeconds?: number;
                /** @description How long work may wait, for a lock or for the first byte of an answer, while nothing moves; default 900. A statement that is at work has its own timeout. */
                progressTimeoutSeconds?: number;
                runTimeoutSeconds?: number;
                /** @description The first failed entity stops the others; default false. */
                failFast?: boolean;
                /** @description Rows of an entity that may be rejected in a chain of attempts; one more fails the entity, and its batch is not loaded. Absent: no limit. */
                maxRejectedRows?: number;
                overlapPolicy?: components["schemas"]["OverlapPolicy"];
            };
            /** @default sequential */
            executionMode?: components["schemas"]["ExecutionMode"];
            freshnessSlaSeconds?: number | null;
            name: string;
            schedule?: {
                /**
                 * @description Five fields: minute, hour, day of month, month, day of week. Of day of month and day of week both must hold. Names of months and days are taken, and words such as `@daily`.
                 * @example 0 6 * * mon-fri
                 */
                cron?: string;
                /** @description Whole intervals since 1970 in UTC, so 3600 fires at full hours. */
                everySeconds?: number;
                /** @description Runs when these syncs have succeeded. */
                after?: string[];
                /**
                 * @description IANA name of the zone that `cron` is about.
                 * @default UTC
                 */
                timezone?: string;
                /** @description Each run starts up to so much later, always before the next one is due, and each time differently. */
                jitterSeconds?: number;
                /**
                 * Format: date-time
                 * @description Nothing is due before; a time that equals it is.
                 */
                startAt?: string;
                /**
                 * Format: date-time
                 * @description Nothing is due after; a time that equals it is.
                 */
                endAt?: string;
                /** @description What was due so long ago while Temporal was away is started late, and what is older is skipped; default 3600. Less than 10 counts as 10. */
                catchupWindowSeconds?: number;
            } | null;
            /** @description Absent: derived from the name. */
            slug?: string | null;
            /** @description As the provider's catalog describes it. */
            sourceConfig?: {
                [key: string]: unknown;
            };
            /** @default draft */
            status?: components["schemas"]["SyncStatus"];
            tableBindings?: components["schemas"]["TableBindingInput"][];
            /** @default manual */
            triggerMode?: components["schemas"]["TriggerMode"];
        };
        TableBindingInput: {
            entityKey: string;
            /** @description Overrides the name that Sluice would give. */
            tableName?: string;
            loadMode?: components["schemas"]["LoadMode"];
            primaryKeyColumns?: string[];
            cursorField?: string | null;
            tableNamingVersion?: components["schemas"]["TableNamingVersion"];
        };
        UpdateSync: {
            destinationConfig?: {
                /** @enum {string} */
                provider?: "postgres";
                /**
                 * Format: uuid
                 * @description Absent: the default warehouse.
                 */
                connectionId?: string;
                /** @description Absent: named for the source's provider. */
                schema?: string;
                /** @description What happens to a table or column that is not there yet, and to a value that does not fit its type. `evolve` (the default): the destination follows; `freeze`: the entity fails first; `discard_row`: such rows are rejected; `discard_value`: they are loaded without it. */
                schemaPolicy?: {
                    /** @enum {string} */
                    tables?: "evolve" | "freeze";
                    /** @enum {string} */
                    columns?: "evolve" | "freeze" | "discard_row" | "discard_value";
                    /** @enum {string} */
                    types?: "evolve" | "freeze" | "discard_row" | "discard_value";
                };
                /** @description A result that trips one is not shown, and the entity fails. */
                guards?: {
                    /** @description A complete scan that finds nothing does not empty a table that has rows; default true. */
                    zeroRows?: boolean;
                    /** @description Share of the table's rows that a complete scan may remove or mark as deleted; default null, all. */
                    maxDeleteShare?: number | null;
                    /** @description A complete scan may have at most this many times the table's rows; default null. */
                    maxRowsFactor?: number | null;
                    /** @description A complete scan must have at least this many times the table's rows; default null. */
                    minRowsFactor?: number | null;
                };
                /**
                 * @description What becomes of a row that the source tells it has deleted, with load mode upsert: `remove` takes it out of the table, `mark` keeps it with `_deleted_at`. Default: `remove`.
                 * @enum {string}
                 */
                onDelete?: "remove" | "mark";
                /** @description By entityKey; goes before what is said for all. */
                entities?: {
                    [key: string]: {
                        /** @description What happens to a table or column that is not there yet, and to a value that does not fit its type. `evolve` (the default): the destination follows; `freeze`: the entity fails first; `discard_row`: such rows are rejected; `discard_value`: they are loaded without it. */
                        schemaPolicy?: {
                            /** @enum {string} */
                            tables?: "evolve" | "freeze";
                            /** @enum {string} */
                            columns?: "evolve" | "freeze" | "discard_row" | "discard_value";
                            /** @enum {string} */
                            types?: "evolve" | "freeze" | "discard_row" | "discard_value";
                        };
                        /** @description A result that trips one is not shown, and the entity fails. */
                        guards?: {
                            /** @description A complete scan that finds nothing does not empty a table that has rows; default true. */
                            zeroRows?: boolean;
                            /** @description Share of the table's rows that a complete scan may remove or mark as deleted; default null, all. */
                            maxDeleteShare?: number | null;
                            /** @description A complete scan may have at most this many times the table's rows; default null. */
                            maxRowsFactor?: number | null;
                            /** @description A complete scan must have at least this many times the table's rows; default null. */
                            minRowsFactor?: number | null;
                        };
                        maxRejectedRows?: number;
                        /**
                         * @description What becomes of a row that the source tells it has deleted, with load mode upsert: `remove` takes it out of the table, `mark` keeps it with `_deleted_at`. Default: `remove`.
                         * @enum {string}
                         */
                        onDelete?: "remove" | "mark";
                    };
                };
            } | null;
            entities?: string[];
            executionBackend?: components["schemas"]["ExecutionBackend"];
            executionConfig?: {
                /** @description Slices at work at once; default 4. */
                maxConcurrency?: number;
                batchRows?: number;
                batchBytes?: number;
                /** @description Rows of a key window, or an ISO 8601 duration for time windows; absent: the provider's choice. */
                windowSize?: number | string;
                lookbackSeconds?: number;
                safetyLagSeconds?: number;
                /** @description Default 3. */
                maxAutoResumeAttempts?: number;
                /** @description So many failed attempt chains in a row put an active sync into `error`; default 5. With 0 they may fail for ever. */
                maxFailedChains?: number;
                /** @description Default 60. */
                heartbeatTimeoutSeconds?: number;
                /** @description How long work may wait, for a lock or for the first byte of an answer, while nothing moves; default 900. A statement that is at work has its own timeout. */
                progressTimeoutSeconds?: number;
                runTimeoutSeconds?: number;
                /** @description The first failed entity stops the others; default false. */
                failFast?: boolean;
                /** @description Rows of an entity that may be rejected in a chain of attempts; one more fails the entity, and its batch is not loaded. Absent: no limit. */
                maxRejectedRows?: number;
                overlapPolicy?: components["schemas"]["OverlapPolicy"];
            } | null;
            executionMode?: components["schemas"]["ExecutionMode"];
            freshnessSlaSeconds?: number | null;
            name?: string;
            schedule?: {
                /**
                 * @description Five fields: minute, hour, day of month, month, day of week. Of day of month and day of week both must hold. Names of months and days are taken, and words such as `@daily`.
                 * @example 0 6 * * mon-fri
                 */
                cron?: string;
                /** @description Whole intervals since 1970 in UTC, so 3600 fires at full hours. */
                everySeconds?: number;
                /** @description Runs when these syncs have succeeded. */
                after?: string[];
                /**
                 * @description IANA name of the zone that `cron` is about.
                 * @default UTC
                 */
                timezone?: string;
                /** @description Each run starts up to so much later, always before the next one is due, and each time differently. */
                jitterSeconds?: number;
                /**
                 * Format: date-time
                 * @description Nothing is due before; a time that equals it is.
                 */
                startAt?: string;
                /**
                 * Format: date-time
                 * @description Nothing is due after; a time that equals it is.
                 */
                endAt?: string;
                /** @description What was due so long ago while Temporal was away is started late, and what is older is skipped; default 3600. Less than 10 counts as 10. */
                catchupWindowSeconds?: number;
            } | null;
            slug?: string;
            sourceConfig?: {
                [key: string]: unknown;
            } | null;
            status?: components["schemas"]["SyncStatus"];
            tableBindings?: components["schemas"]["TableBindingInput"][] | null;
            triggerMode?: components["schemas"]["TriggerMode"];
        };
        ConnectionPage: {
            /** @description There is more after this page. */
            hasNext: boolean;
            limit: number;
            offset: number;
            /** @description Of all pages. */
            total: number;
            connections: components["schemas"]["Connection"][];
        };
        Connection: {
            checks: components["schemas"]["ConnectionCheck"][];
            config: {
                [key: string]: unknown;
            };
            /** Format: date-time */
            createdAt: string;
            createdBy: string;
            /** Format: uuid */
            id: string;
            /** Format: date-time */
            lastCheckedAt: string | null;
            name: string;
            provider: components["schemas"]["Provider"];
            /** @description Names only. */
            secretKeys: string[];
            status: components["schemas"]["ConnectionStatus"];
            taskQueue: string;
            /** Format: date-time */
            updatedAt: string;
            updatedBy: string;
        };
        CreateConnection: {
            name: string;
            provider: components["schemas"]["Provider"];
            /**
             * @description As `connectionSchema` of the provider's catalog describes it, without its writeOnly fields.
             * @default {}
             */
            config?: {
                [key: string]: unknown;
            };
            /**
             * @description The writeOnly fields of `connectionSchema`. Never shown again.
             * @default {}
             */
            secrets?: {
                [key: string]: string;
            };
        };
        UpdateConnection: {
            name?: string;
            config?: {
                [key: string]: unknown;
            };
            secrets?: {
                [key: string]: string | null;
            };
        };
        ConnectionUsagePage: {
            /** @description There is more after this page. */
            hasNext: boolean;
            limit: number;
            offset: number;
            /** @description Of all pages. */
            total: number;
            syncs: components["schemas"]["ConnectionUse"][];
        };
        ConnectionUse: {
            /** Format: uuid */
            id: string;
            lastRun: {
                /** Format: date-time */
                createdAt: string;
                /** Format: uuid */
                id: string;
                status: components["schemas"]["RunStatus"];
            } | null;
            name: string;
            roles: ("source" | "destination")[];
            runCount: number;
            slug: string;
            status: components["schemas"]["SyncStatus"];
        };
        ConnectionCatalogPage: {
            /** @description There is more after this page. */
            hasNext: boolean;
            limit: number;
            offset: number;
            /** @description Of all pages. */
            total: number;
            entities: components["schemas"]["DiscoveredEntity"][];
        };
        DiscoveredEntity: {
            columns: {
                name: string;
                nullable: boolean;
                /** @description The Postgres type that the destination's column gets. */
                type: string;
            }[];
            /** @description All columns that `cursorField` may name. */
            cursorColumns: string[];
            /** @description Columns that serve well as cursor, best first. The first is the default. */
            cursorFields: string[];
            dependsOn: string[];
            description: string;
            displayName: string;
            entityKey: string;
            estimatedRows: number | null;
            loadMode: components["schemas"]["LoadMode"];
            /** @description Empty where the source knows no key. */
            primaryKeyColumns: string[];
            sizeClass: components["schemas"]["SizeClass"];
            slicing: {
                by: components["schemas"]["SlicingKind"];
                column?: string;
                defaultWindow?: string;
            };
        };
        RotateSecrets: {
            /** @description Those that are to be replaced, at least one; the others stay. */
            secrets: {
                [key: string]: string;
            };
        };
        ResultReason: {
            code: components["schemas"]["ReasonCode"];
            resultClass: components["schemas"]["ResultClass"];
            /** @description The chain may go on by itself. */
            retryable: boolean;
            /** @enum {string} */
            autoResume: "yes" | "once" | "by_entity" | "no";
            /**
             * @description Who has to act before a retry can help.
             * @enum {string}
             */
            actor: "nobody" | "sync_owner" | "operator";
            meaning: string;
            fix: string;
        };
        AuditEventPage: {
            /** @description There is more after this page. */
            hasNext: boolean;
            limit: number;
            offset: number;
            /** @description Of all pages. */
            total: number;
            events: components["schemas"]["AuditEvent"][];
        };
        AuditEvent: {
            /** @example sync.update */
            action: string;
            /**
             * @description `key:<name>` or `user:<sub>`
             * @example key:ci
             */
            actor: string;
            /** @description Null for what was deleted. */
            after: {
                [key: string]: unknown;
            } | null;
            /** Format: date-time */
            at: string;
            /** @description Null for what was created. Of an edit, `before` and `after` hold the fields that differ. */
            before: {
                [key: string]: unknown;
            } | null;
            id: number;
            requestId: string | null;
            /**
             * Format: uuid
             * @description Of a `state`, the sync's.
             */
            subjectId: string;
            /** @enum {string} */
            subjectType: "sync" | "run" | "connection" | "state";
        };
        WorkerList: {
            workers: components["schemas"]["Worker"][];
        };
        Worker: {
            /** @description `host:pid`, as in the runs that the worker executes. */
            executorId: string;
            /** Format: uuid */
            id: string;
            /** @description The worker was heard of within the last 35 s. */
            live: boolean;
            /** @description By task queue. Empty for a worker that was stopped. */
            queues: {
                [key: string]: components["schemas"]["QueueSlots"];
            };
            /**
             * Format: date-time
             * @description Each worker writes its row every 10 s.
             */
            seenAt: string;
            /** Format: date-time */
            startedAt: string;
            /**
             * Format: date-time
             * @description Since when the worker cannot reach Temporal; null while it can.
             */
            temporalAwaySince: string | null;
            version: string;
        };
        QueueSlots: {
            /** @description Activities that the worker takes from the queue at once. */
            slots: number;
            /** @description Activities that it works on now. Free slots are the difference. */
            used: number;
        };
        Readiness: {
            /** @enum {string} */
            status: "ready" | "unavailable";
            /** @enum {string} */
            database: "reachable" | "unreachable";
            /**
             * @description Not needed for being ready: runs are admitted without it and dispatched when it is back.
             * @enum {string}
             */
            temporal: "reachable" | "unreachable";
        };
        /** @enum {string} */
        ConnectionStatus: "unchecked" | "ok" | "failed";
        /** @enum {string} */
        ExecutionBackend: "native" | "prefect" | "temporal" | "external";
        /** @enum {string} */
        ExecutionMode: "sequential" | "fan_out_entity" | "fan_out_window";
        /** @enum {string} */
        LoadMode: "append_event" | "append_snapshot" | "upsert" | "upsert_soft_delete" | "delete_insert" | "replace" | "scd2";
        /** @enum {string} */
        OverlapPolicy: "skip" | "queue" | "cancel_running";
        /** @enum {string} */
        Provider: "shopify" | "http_api" | "flexiroam" | "starlink" | "s3" | "google_drive" | "msft_sharepoint" | "klaviyo" | "amazon_sp" | "salesforce" | "netsuite" | "sqlserver" | "postgres" | "mlflow" | "sftp" | "gmail_inbox" | "dropbox" | "rydership" | "gorgias" | "redo" | "bullhorn";
        /** @enum {string} */
        ReasonCode: "heartbeat_timeout" | "stalled_no_progress" | "queue_timeout" | "run_timeout" | "worker_shutdown" | "worker_lost" | "source_rate_limited" | "source_quota_exhausted" | "source_unavailable" | "source_timeout" | "source_export_failed" | "source_job_running" | "source_cursor_expired" | "source_snapshot_lost" | "connection_changed" | "destination_unavailable" | "destination_timeout" | "destination_lock_conflict" | "start_timeout" | "worker_out_of_memory" | "workflow_wedged" | "workflow_terminated" | "workflow_reset" | "execution_not_found" | "backend_unavailable" | "payload_too_large" | "secret_unreadable" | "source_rejected_request" | "source_response_invalid" | "internal_error" | "source_auth_failed" | "source_auth_expired" | "source_permission_denied" | "source_resource_not_found" | "source_object_invalid" | "source_cursor_invalid" | "source_replication_slot_lost" | "source_schema_breaking_change" | "source_file_unreadable" | "source_address_refused" | "destination_address_refused" | "destination_auth_failed" | "destination_permission_denied" | "destination_storage_full" | "destination_constraint_violation" | "destination_type_mismatch" | "destination_schema_conflict" | "config_invalid" | "connection_unusable" | "entity_unknown" | "primary_key_missing" | "reject_threshold_exceeded" | "reconciliation_mismatch" | "unexpected_zero_rows" | "delete_guard_tripped" | "dependency_failed" | "entities_failed" | "rows_rejected" | "entities_skipped" | "cancelled_by_user" | "cancelled_by_policy" | "cancelled_by_operator" | "cancelled_in_backend" | "cancelled_sync_inactive" | "skipped_overlap" | "skipped_sync_inactive" | "skipped_catchup_window" | "skipped_dependency" | "skipped_not_comparable" | "no_new_data";
        /** @enum {string} */
        ResultClass: "success" | "partial_success" | "transient_failure" | "user_action_required" | "system_failure" | "cancelled" | "skipped";
        /** @enum {string} */
        RunMode: "incremental" | "full_refresh" | "backfill" | "repair" | "verify";
        /** @enum {string} */
        RunStatus: "pending" | "queued" | "running" | "waiting" | "cancelling" | "succeeded" | "partial" | "failed" | "cancelled" | "skipped";
        /** @enum {string} */
        SizeClass: "xs" | "s" | "m" | "l" | "xl";
        /** @enum {string} */
        SliceStatus: "planned" | "running" | "waiting" | "done" | "failed";
        /** @enum {string} */
        SlicingKind: "none" | "time" | "key" | "file";
        /** @enum {string} */
        StorageKind: "postgres" | "postgres_jsonb" | "object_storage" | "hybrid" | "none";
        /** @enum {string} */
        SyncStatus: "draft" | "active" | "paused" | "error" | "archived";
        /** @enum {string} */
        TableNamingVersion: "legacy" | "v1" | "v2";
        /** @enum {string} */
        TriggerMode: "manual" | "scheduled" | "on_create";
        /** @enum {string} */
        TriggeredBy: "manual" | "scheduled" | "on_create" | "retry" | "auto_resume" | "backfill" | "dependency" | "webhook" | "system";
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type RunPage = components['schemas']['RunPage'];
export type Run = components['schemas']['Run'];
export type ApiError = components['schemas']['ApiError'];
export type ConnectionCheck = components['schemas']['ConnectionCheck'];
export type ValidationError = components['schemas']['ValidationError'];
export type ValidationIssue = components['schemas']['ValidationIssue'];
export type TriggerSync = components['schemas']['TriggerSync'];
export type StartBackfill = components['schemas']['StartBackfill'];
export type RunSlicePage = components['schemas']['RunSlicePage'];
export type RunSlice = components['schemas']['RunSlice'];
export type TableCounts = components['schemas']['TableCounts'];
export type Verification = components['schemas']['Verification'];
export type CancelRun = components['schemas']['CancelRun'];
export type RetryRun = components['schemas']['RetryRun'];
export type RunEventPage = components['schemas']['RunEventPage'];
export type RunEvent = components['schemas']['RunEvent'];
export type RejectedRowPage = components['schemas']['RejectedRowPage'];
export type RejectedRow = components['schemas']['RejectedRow'];
export type ProviderCatalog = components['schemas']['ProviderCatalog'];
export type CatalogResource = components['schemas']['CatalogResource'];
export type CatalogColumn = components['schemas']['CatalogColumn'];
export type SyncStatePage = components['schemas']['SyncStatePage'];
export type EntityState = components['schemas']['EntityState'];
export type SyncState = components['schemas']['SyncState'];
export type SetSyncState = components['schemas']['SetSyncState'];
export type SyncStateChange = components['schemas']['SyncStateChange'];
export type EntityStateVersionPage = components['schemas']['EntityStateVersionPage'];
export type EntityStateVersion = components['schemas']['EntityStateVersion'];
export type SyncPlan = components['schemas']['SyncPlan'];
export type PlannedEntity = components['schemas']['PlannedEntity'];
export type PlannedFailure = components['schemas']['PlannedFailure'];
export type PlannedLoad = components['schemas']['PlannedLoad'];
export type SyncPlanTask = components['schemas']['SyncPlanTask'];
export type PlanSync = components['schemas']['PlanSync'];
export type SchedulePreview = components['schemas']['SchedulePreview'];
export type ScheduledFire = components['schemas']['ScheduledFire'];
export type SchedulePreviewNote = components['schemas']['SchedulePreviewNote'];
export type SyncPage = components['schemas']['SyncPage'];
export type Sync = components['schemas']['Sync'];
export type TableBinding = components['schemas']['TableBinding'];
export type CreateSync = components['schemas']['CreateSync'];
export type TableBindingInput = components['schemas']['TableBindingInput'];
export type UpdateSync = components['schemas']['UpdateSync'];
export type ConnectionPage = components['schemas']['ConnectionPage'];
export type Connection = components['schemas']['Connection'];
export type CreateConnection = components['schemas']['CreateConnection'];
export type UpdateConnection = components['schemas']['UpdateConnection'];
export type ConnectionUsagePage = components['schemas']['ConnectionUsagePage'];
export type ConnectionUse = components['schemas']['ConnectionUse'];
export type ConnectionCatalogPage = components['schemas']['ConnectionCatalogPage'];
export type DiscoveredEntity = components['schemas']['DiscoveredEntity'];
export type RotateSecrets = components['schemas']['RotateSecrets'];
export type ResultReason = components['schemas']['ResultReason'];
export type AuditEventPage = components['schemas']['AuditEventPage'];
export type AuditEvent = components['schemas']['AuditEvent'];
export type WorkerList = components['schemas']['WorkerList'];
export type Worker = components['schemas']['Worker'];
export type QueueSlots = components['schemas']['QueueSlots'];
export type Readiness = components['schemas']['Readiness'];
export type ConnectionStatus = components['schemas']['ConnectionStatus'];
export type ExecutionBackend = components['schemas']['ExecutionBackend'];
export type ExecutionMode = components['schemas']['ExecutionMode'];
export type LoadMode = components['schemas']['LoadMode'];
export type OverlapPolicy = components['schemas']['OverlapPolicy'];
export type Provider = components['schemas']['Provider'];
export type ReasonCode = components['schemas']['ReasonCode'];
export type ResultClass = components['schemas']['ResultClass'];
export type RunMode = components['schemas']['RunMode'];
export type RunStatus = components['schemas']['RunStatus'];
export type SizeClass = components['schemas']['SizeClass'];
export type SliceStatus = components['schemas']['SliceStatus'];
export type SlicingKind = components['schemas']['SlicingKind'];
export type StorageKind = components['schemas']['StorageKind'];
export type SyncStatus = components['schemas']['SyncStatus'];
export type TableNamingVersion = components['schemas']['TableNamingVersion'];
export type TriggerMode = components['schemas']['TriggerMode'];
export type TriggeredBy = components['schemas']['TriggeredBy'];
export type $defs = Record<string, never>;
export interface operations {
    listSyncRuns: {
        parameters: {
            query?: {
                status?: components["schemas"]["RunStatus"][];
                resultClass?: components["schemas"]["ResultClass"][];
                resultReasonCode?: components["schemas"]["ReasonCode"][];
                /** @description Created then or later. */
                since?: string;
                limit?: number;
                offset?: number;
            };
            header?: never;
            path: {
                sync_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of runs */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunPage"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope observe, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    listRuns: {
        parameters: {
            query?: {
                status?: components["schemas"]["RunStatus"][];
                resultClass?: components["schemas"]["ResultClass"][];
                resultReasonCode?: components["schemas"]["ReasonCode"][];
                /** @description Created then or later. */
                since?: string;
                provider?: components["schemas"]["Provider"][];
                syncId?: string[];
                limit?: number;
                offset?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of runs */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunPage"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope observe, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    triggerSync: {
        parameters: {
            query?: never;
            header?: {
                /** @description `confirmToken` of a plan: the run may lose what that plan has named in `losses`. Without it an entity that would lose something fails before anything is changed. It takes scope `confirm`. */
                "Sluice-Confirm-Plan"?: string;
                /** @description Repeated within 24 hours with the same key and body, the request is not done again: its first answer comes back. Another body is 422. */
                "Idempotency-Key"?: string;
            };
            path: {
                sync_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["TriggerSync"];
            };
        };
        responses: {
            /** @description The new run */
            201: {
                headers: {
                    Location?: string;
                    /** @description `true` on an answer that was given before */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Run"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope operate, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The present state does not allow it */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    startBackfill: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeated within 24 hours with the same key and body, the request is not done again: its first answer comes back. Another body is 422. */
                "Idempotency-Key"?: string;
            };
            path: {
                sync_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StartBackfill"];
            };
        };
        responses: {
            /** @description The new run */
            201: {
                headers: {
                    Location?: string;
                    /** @description `true` on an answer that was given before */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Run"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope operate, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The present state does not allow it */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    getSyncRun: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                run_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The run */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Run"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope observe, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    listSyncRunSlices: {
        parameters: {
            query?: {
                limit?: number;
                offset?: number;
            };
            header?: never;
            path: {
                run_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of slices */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunSlicePage"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope read, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    cancelSyncRun: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeated within 24 hours with the same key and body, the request is not done again: its first answer comes back. Another body is 422. */
                "Idempotency-Key"?: string;
            };
            path: {
                run_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["CancelRun"];
            };
        };
        responses: {
            /** @description The run: cancelled, or cancelling until its work has stopped */
            200: {
                headers: {
                    /** @description `true` on an answer that was given before */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Run"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope operate, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The present state does not allow it */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    retrySyncRun: {
        parameters: {
            query?: never;
            header?: {
                /** @description `confirmToken` of a plan: the run may lose what that plan has named in `losses`. Without it an entity that would lose something fails before anything is changed. It takes scope `confirm`. */
                "Sluice-Confirm-Plan"?: string;
                /** @description Repeated within 24 hours with the same key and body, the request is not done again: its first answer comes back. Another body is 422. */
                "Idempotency-Key"?: string;
            };
            path: {
                run_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["RetryRun"];
            };
        };
        responses: {
            /** @description The new run */
            201: {
                headers: {
                    Location?: string;
                    /** @description `true` on an answer that was given before */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Run"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope operate, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The present state does not allow it */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    listSyncRunEvents: {
        parameters: {
            query?: {
                after?: number;
                limit?: number;
            };
            header?: {
                /** @description Of a stream: the `id` of the last event that was received. Goes before `after`. */
                "last-event-id"?: number;
            };
            path: {
                run_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of events, or a stream of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunEventPage"];
                    "text/event-stream": string;
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope read, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    listSyncRunRejectedRows: {
        parameters: {
            query?: {
                limit?: number;
                offset?: number;
                entityKey?: string;
            };
            header?: never;
            path: {
                run_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of rows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RejectedRowPage"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope read, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    getSyncProviderCatalog: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Supported external system providers. */
                provider: components["schemas"]["Provider"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What the provider can give */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProviderCatalog"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope observe, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Tokens cannot be checked now */
            503: {
                headers: {
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    getSyncState: {
        parameters: {
            query?: {
                limit?: number;
                offset?: number;
            };
            header?: never;
            path: {
                sync_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of entities with their states */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SyncStatePage"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope read, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    setSyncState: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                sync_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SetSyncState"];
            };
        };
        responses: {
            /** @description The new states of the entities that were named */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SyncState"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope admin, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The present state does not allow it */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    listSyncStateVersions: {
        parameters: {
            query?: {
                /** @description Only of this entity. */
                entityKey?: string;
                limit?: number;
                offset?: number;
            };
            header?: never;
            path: {
                sync_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of versions */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EntityStateVersionPage"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope read, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    planSync: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeated within 24 hours with the same key and body, the request is not done again: its first answer comes back. Another body is 422. */
                "Idempotency-Key"?: string;
            };
            path: {
                sync_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["PlanSync"];
            };
        };
        responses: {
            /** @description The plan */
            200: {
                headers: {
                    /** @description `true` on an answer that was given before */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SyncPlan"];
                };
            };
            /** @description The plan is being made: `Location` says where it is told */
            202: {
                headers: {
                    /** @description `true` on an answer that was given before */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SyncPlanTask"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope operate, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The present state does not allow it */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description A defect of Sluice's, with code `internal_error` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No answer from a worker in time */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    getSyncPlan: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                sync_id: string;
                plan_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The plan as far as it is made */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SyncPlanTask"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope operate, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    previewSyncSchedule: {
        parameters: {
            query?: {
                count?: number;
            };
            header?: never;
            path: {
                sync_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The next times */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SchedulePreview"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope read, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    listSyncs: {
        parameters: {
            query?: {
                /** @description Text in the name or slug, whatever its case. */
                q?: string;
                status?: components["schemas"]["SyncStatus"][];
                provider?: components["schemas"]["Provider"][];
                limit?: number;
                offset?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of syncs */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SyncPage"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope read, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    createSync: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeated within 24 hours with the same key and body, the request is not done again: its first answer comes back. Another body is 422. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateSync"];
            };
        };
        responses: {
            /** @description The new sync */
            201: {
                headers: {
                    Location?: string;
                    /** @description `true` on an answer that was given before */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sync"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope admin, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The present state does not allow it */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description A defect of Sluice's, with code `internal_error` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No answer from a worker in time */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    getSync: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                sync_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sync */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sync"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope read, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    deleteSync: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                sync_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope admin, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    updateSync: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                sync_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["UpdateSync"];
            };
        };
        responses: {
            /** @description The sync after the edit */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sync"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope admin, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The present state does not allow it */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description A defect of Sluice's, with code `internal_error` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No answer from a worker in time */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    listConnections: {
        parameters: {
            query?: {
                /** @description Text in the name, whatever its case. */
                q?: string;
                provider?: components["schemas"]["Provider"][];
                limit?: number;
                offset?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of connections */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionPage"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope read, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    createConnection: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeated within 24 hours with the same key and body, the request is not done again: its first answer comes back. Another body is 422. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateConnection"];
            };
        };
        responses: {
            /** @description The new connection */
            201: {
                headers: {
                    Location?: string;
                    /** @description `true` on an answer that was given before */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Connection"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope admin, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description A request with the same key is being answered */
            409: {
                headers: {
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    getConnection: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                connection_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The connection */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Connection"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope read, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    deleteConnection: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                connection_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope admin, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The present state does not allow it */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    updateConnection: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                connection_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["UpdateConnection"];
            };
        };
        responses: {
            /** @description The connection after the edit */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Connection"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope admin, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    listConnectionUsage: {
        parameters: {
            query?: {
                limit?: number;
                offset?: number;
            };
            header?: never;
            path: {
                connection_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of syncs */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionUsagePage"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope read, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    checkConnection: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeated within 24 hours with the same key and body, the request is not done again: its first answer comes back. Another body is 422. */
                "Idempotency-Key"?: string;
            };
            path: {
                connection_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The connection with what the check found */
            200: {
                headers: {
                    /** @description `true` on an answer that was given before */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Connection"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope admin, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description A request with the same key is being answered */
            409: {
                headers: {
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description A defect of Sluice's, with code `internal_error` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No answer from a worker in time */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    getConnectionCatalog: {
        parameters: {
            query?: {
                /** @description Text in the entity key, whatever its case. */
                q?: string;
                /** @description Asks the source again, even if it was asked less than a minute ago. It takes scope `operate`. */
                refresh?: boolean;
                limit?: number;
                offset?: number;
            };
            header?: never;
            path: {
                connection_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of entities */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionCatalogPage"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope read, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The present state does not allow it */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description A defect of Sluice's, with code `internal_error` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No answer from a worker in time */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    rotateConnectionSecrets: {
        parameters: {
            query?: never;
            header?: {
                /** @description Repeated within 24 hours with the same key and body, the request is not done again: its first answer comes back. Another body is 422. */
                "Idempotency-Key"?: string;
            };
            path: {
                connection_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RotateSecrets"];
            };
        };
        responses: {
            /** @description The connection with its new secrets */
            200: {
                headers: {
                    /** @description `true` on an answer that was given before */
                    "Idempotency-Replayed"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Connection"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope admin, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No such thing, or no connector for the provider */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The present state does not allow it */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description A defect of Sluice's, with code `internal_error` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description No answer from a worker in time */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    listResultReasons: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All reasons */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        resultReasons: components["schemas"]["ResultReason"][];
                    };
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope observe, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Tokens cannot be checked now */
            503: {
                headers: {
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    listAuditEvents: {
        parameters: {
            query?: {
                subjectId?: string[];
                /** @description Exactly so. */
                actor?: string;
                /** @description Then or later. */
                since?: string;
                limit?: number;
                offset?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditEventPage"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope admin, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description Validation error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidationError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    listWorkers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The workers */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkerList"];
                };
            };
            /** @description Nobody says who asks, or what is said is not accepted */
            401: {
                headers: {
                    /** @description How to say it */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller lacks scope read, or a browser calls from a page of another origin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The caller's requests of this minute are used up */
            429: {
                headers: {
                    /** @description Requests in a minute */
                    "RateLimit-Limit"?: number;
                    /** @description How many of them are left */
                    "RateLimit-Remaining"?: number;
                    /** @description Seconds until they are all there again */
                    "RateLimit-Reset"?: number;
                    /** @description Seconds to wait */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
            /** @description The database, or what the request needs of Temporal and its workers, is not there now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiError"];
                };
            };
        };
    };
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "ok";
                    };
                };
            };
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It can */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            /** @description The database is unreachable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
        };
    };
}

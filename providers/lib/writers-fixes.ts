/** What to do about an error, in two voices. */
interface WritersFix {
  /** For whoever writes the resources of a connection, as with http_api. What stands behind it in an error may differ. */
  written: string;
  /** For the user of a connector that declares its resources: nothing of them is theirs to correct. */
  told: string;
}

const OTHERWISE =
  "Retry the run. If it happens again, upgrade Sluice; if it is the newest version, report that the source answers otherwise than its documentation says.";
/** Joined with other advice, so it has no end. */
const UPGRADE = "Upgrade Sluice";
const REFRESH = "Retry the run with runMode full_refresh.";

/**
 * Every text that names what only a resource of http_api has: its selector, paginator, key or rules. The kit throws them as `written`; the source of a
 * connector that declares its resources says what is `told` instead (`tell-users.ts`).
 */
export const WRITERS_FIXES = {
  selector: { written: 'Correct its recordSelector, or set missingRecords to "empty".', told: OTHERWISE },
  rivals: { written: "Set its recordSelector to the one that has the records.", told: OTHERWISE },
  pages: { written: "Correct the paginator of the resource.", told: OTHERWISE },
  loop: { written: "Correct the paginator of the resource: its parameters may have no effect.", told: OTHERWISE },
  noPaginator: {
    written: 'Give the resource a paginator, or `{"type": "single"}` where there is one page only.',
    told: OTHERWISE,
  },
  link: { written: "Use another paginator for the resource.", told: OTHERWISE },
  count: { written: "Name the member of it that is the number.", told: OTHERWISE },
  start: { written: "Set start of its paginator to ", told: OTHERWISE },
  wrongCount: {
    written: "Correct the paginator; where the source's count is wrong, leave it out and declare stopOnShortPage.",
    told: "Retry the run when the source is quiet. If it happens again, report it: the source counts otherwise than it lists.",
  },
  moving: {
    written: "Retry when the source is quiet, or page by a key or cursor, which rows cannot move across.",
    told: "Retry when the source is quiet: rows that change meanwhile move across its pages.",
  },
  confirmation: {
    written:
      'If these words say that the page before was the last, add an errorRules entry that contains them, with the action "ignore"; if they name a limit, read less at once.',
    told: "If these words name a limit, read less at once. Otherwise upgrade Sluice, and report it if it is the newest version.",
  },
  proof: {
    written:
      "Give the paginator totalPath (or totalPagesPath), or declare stopOnShortPage: true where a short page is the last, false where an empty one is.",
    told: "Choose a load mode that does not remove what a complete scan does not list, such as upsert.",
  },
  provable: { written: "Give the paginator totalPath, totalPagesPath, stopWhen or stopOnShortPage", told: UPGRADE },
  keyless: { written: "Give the resource a primaryKey, or retry with runMode full_refresh.", told: REFRESH },
  key: { written: "Name in primaryKey all fields that tell its records apart", told: OTHERWISE },
  absent: { written: "Correct the resource in the connection's config.", told: OTHERWISE },
  cursorFormat: { written: "Set incremental.cursorFormat to how its records write it.", told: OTHERWISE },
  cursorNumbers: {
    written: "Set incremental.cursorFormat to epoch_s or epoch_ms, or choose another load mode.",
    told: "Choose another load mode.",
  },
  initial: {
    written: "Give incremental.initial, and set openEnded to false where the path has {end}.",
    told: "Set sourceConfig.resources.<entity>.initial, so that the read has a beginning.",
  },
  backfill: { written: "Give the resource an `incremental`, or leave the entity out.", told: "Leave the entity out." },
  nowhere: {
    written:
      'If the source answers so for a parent that was merged or deleted, add an errorRules entry with "redirected": true and the action "ignore": then this parent has no records.',
    told: OTHERWISE,
  },
  otherParent: {
    written:
      'Add an errorRules entry with "redirected": true. Its action is "ignore" if the source has merged the parent into another one, whose records are read anyway, and "accept" if it is the same parent under another name.',
    told: OTHERWISE,
  },
  format: { written: "Set the resource's format to ", told: OTHERWISE },
  answer: {
    written: "Compare what the source answers with what the connection's config says of it.",
    told: OTHERWISE,
  },
  request: {
    written: "Correct the request in the connection's config: the source's words say what it refuses.",
    told: "Look at the source's words: they say what it refuses. If there is nothing to do about them, upgrade Sluice, and report it if it is the newest version.",
  },
  path: {
    written: "Correct the path in the connection's config, or take the entity out of the sync.",
    told: "Check that the connection leads to the right account, and that it has this entity. Otherwise take the entity out of the sync.",
  },
  moved: {
    written:
      "Look in the source's documentation for the address that is asked for now, and correct it in the connection.",
    told: "Check the address in the connection. If it is right, upgrade Sluice, and report it if it is the newest version.",
  },
  tooLarge: {
    written: "Ask for smaller pages, or raise maxBodyBytes.",
    told: "Leave columns of the entity out (sourceConfig.resources.<entity>.exclude). Report it if that does not help.",
  },
  fewer: {
    written: "Ask for smaller pages, or for fewer fields.",
    told: "Leave columns of the entity out (sourceConfig.resources.<entity>.exclude). Report it if that does not help.",
  },
} as const satisfies Record<string, WritersFix>;

/** The longest first, since one may begin as another one does. */
const BY_LENGTH: WritersFix[] = Object.values(WRITERS_FIXES).sort((a, b) => b.written.length - a.written.length);

/** @returns null where the text is for everybody */
export function toldFix(fix: string): string | null {
  return BY_LENGTH.find(({ written }) => fix.startsWith(written))?.told ?? null;
}

import type { Dice } from "../../support/random.ts";
import type { Store } from "../store.ts";
import { putListItem } from "./commands.ts";
import { CUSTOMERS, DOCUMENTS, HANDBOOK, REPORTS, TICKETS } from "./tenant.ts";
import { add, makeFolder, writeFile } from "./tree.ts";

/** So many tickets, and so many items of the drive Documents. */
export const TICKET_COUNT = 200;
export const DOCUMENT_COUNT = 200;
/** Rows of each report. */
export const REPORT_ROWS = 30;

/** Two drives and two lists of one site, and a drive of another. The same dice give the same contents. */
export function fillTenant(store: Store, dice: Dice): void {
  for (const year of [2024, 2025])
    for (const quarter of ["Q1", "Q2"]) makeFolder(store, DOCUMENTS, `Contracts/${year}/${quarter}`);
  const folders = ["", "Contracts", "Contracts/2024/Q1", "Contracts/2025/Q2", "Pläne & Skizzen"];
  makeFolder(store, DOCUMENTS, "Pläne & Skizzen");
  add(store, DOCUMENTS, { parent: 0, name: "Meeting notes", kind: "package" });
  const made = store.rows("drive_items").length;
  for (let n = made; n < DOCUMENT_COUNT; n++)
    writeFile(
      store,
      DOCUMENTS,
      `${dice.pick(folders)}/note ${n} #${dice.roll(100)}%.txt`,
      `note ${n} ${dice.roll(1e6)}`,
    );
  for (let month = 1; month <= 6; month++)
    writeFile(store, REPORTS, `sales/2026/${String(month).padStart(2, "0")}.csv`, reportOf(month, dice));
  writeFile(store, REPORTS, "sales/readme.txt", "Reports of the shops.");
  for (let n = 1; n <= 5; n++) writeFile(store, HANDBOOK, `page ${n}.txt`, `page ${n}`);
  for (let n = 1; n <= 20; n++)
    putListItem(store, CUSTOMERS, { fields: { Title: `Customer ${n}`, City: `City ${n % 4}` } });
  for (let n = 1; n <= TICKET_COUNT; n++) putListItem(store, TICKETS, { fields: ticketOf(n, dice) });
}

export function reportOf(month: number, dice: Dice): string {
  const rows = Array.from(
    { length: REPORT_ROWS },
    (_, i) => `${month * 1_000 + i},shop ${dice.roll(5)},${dice.roll(100_000)}.${dice.roll(9)}0,"a, ""b""\nc"`,
  );
  return `id,shop,amount,remark\n${rows.join("\n")}\n`;
}

/** Fields of every kind of column; some are empty, which the source says by leaving them out. */
function ticketOf(n: number, dice: Dice): Record<string, unknown> {
  return {
    Title: `Ticket ${n}\t\\"ü`,
    Quantity: dice.oneIn(3) ? 0.1 + dice.roll(10) : dice.roll(1_000),
    Price: dice.roll(100_000) / 100,
    Done: dice.oneIn(2),
    Due_x0020_Date: "2026-03-01T08:00:00Z",
    ...(dice.oneIn(4) ? {} : { Opened: `2026-01-0${1 + dice.roll(9)}T10:11:12Z` }),
    Status: dice.pick(["New", "Open", "Closed"]),
    ...(dice.oneIn(3) ? {} : { "Tags@odata.type": "Collection(Edm.String)", Tags: ["a", "c"].slice(dice.roll(2)) }),
    ...(dice.oneIn(5) ? { Notes: "two\nlines" } : {}),
    ...(dice.oneIn(5) ? { Link: { Description: "more", Url: `https://example.com/${n}` } } : {}),
    ...{ Customer: `Customer ${1 + (n % 20)}`, CustomerLookupId: String(1 + (n % 20)) },
    ...(dice.oneIn(3) ? {} : { Assignee: "Ada Lopez", AssigneeLookupId: "6" }),
    ...(dice.oneIn(3) ? { Watchers: [{ LookupId: 6, LookupValue: "Ada Lopez", Email: "ada@contoso.com" }] } : {}),
    Total: dice.roll(10_000) / 4,
  };
}

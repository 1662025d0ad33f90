import type { ColumnDefinition } from "@microsoft/microsoft-graph-types";
import { guidOf } from "./errors.ts";

/** The tenant that the simulator plays: its app, and what never changes of its sites. Items are in the store. */

export const TENANT_ID = guidOf("tenant");
export const CLIENT_ID = guidOf("client");
export const CLIENT_SECRET = "Hg~8Q~simulated-client-secret";
export const HOST = "contoso.sharepoint.com";

export interface SiteFacts {
  key: string;
  id: string;
  /** Below the host; empty for the root site. */
  path: string;
  displayName: string;
}

export interface DriveFacts {
  id: string;
  site: SiteFacts;
  name: string;
  /** Ids in the store begin here. */
  base: number;
}

export interface ListFacts {
  id: string;
  site: SiteFacts;
  name: string;
  displayName: string;
  template: "genericList" | "documentLibrary" | "userInformation";
  /** Ids in the store begin here. */
  base: number;
  columns: readonly (ColumnDefinition & { name: string })[];
  /** Hidden, unless `$select` has `system`. */
  isSystem?: true;
  /** Of a document library. */
  drive?: DriveFacts;
}

/** So many ids in the store belong to one drive or list. */
export const IDS_EACH = 1_000_000;

const site = (key: string, path: string, displayName: string): SiteFacts => ({
  ...{ key, path, displayName, id: `${HOST},${guidOf(`collection ${key}`)},${guidOf(`web ${key}`)}` },
});

export const ROOT_SITE = site("root", "", "Communication site");
export const FINANCE = site("finance", "sites/finance", "Finance");
export const PEOPLE = site("people", "sites/people", "People");
export const SITES: readonly SiteFacts[] = [ROOT_SITE, FINANCE, PEOPLE];

function drive(of: SiteFacts, name: string, number: number): DriveFacts {
  const id = `b!${Buffer.from(guidOf(`drive ${of.key} ${name}`)).toString("base64url")}`;
  return { id, site: of, name, base: number * IDS_EACH };
}

/** Folders, files and a notebook, some 200 items. */
export const DOCUMENTS = drive(FINANCE, "Documents", 1);
/** Files with rows in them. */
export const REPORTS = drive(FINANCE, "Reports", 2);
export const HANDBOOK = drive(PEOPLE, "Handbook", 3);
export const DRIVES: readonly DriveFacts[] = [DOCUMENTS, REPORTS, HANDBOOK];

const column = <const C extends ColumnDefinition & { name: string }>(definition: C) => ({
  ...{ id: guidOf(`column ${definition.name}`), displayName: definition.name, hidden: false, readOnly: false },
  ...{ indexed: false, required: false, enforceUniqueValues: false, description: "", columnGroup: "Custom Columns" },
  ...definition,
});

const TITLE = column({ name: "Title", required: true, text: { allowMultipleLines: false, maxLength: 255 } });
const OWN_COLUMNS = [
  column({ name: "ID", readOnly: true, number: { decimalPlaces: "none" } }),
  column({ name: "ContentType", text: {} }),
  column({ name: "Created", readOnly: true, dateTime: { displayAs: "default", format: "dateTime" } }),
  column({ name: "Modified", readOnly: true, dateTime: { displayAs: "default", format: "dateTime" } }),
  column({
    name: "Author",
    displayName: "Created By",
    readOnly: true,
    personOrGroup: { allowMultipleSelection: false },
  }),
  column({ name: "_UIVersionString", displayName: "Version", readOnly: true, text: {} }),
  column({ name: "Attachments", boolean: {} }),
];

export const CUSTOMERS_ID = guidOf("list customers");

/** A column of each kind, with names that SharePoint encodes. */
export const TICKET_COLUMNS = [
  TITLE,
  column({ name: "Quantity", number: { decimalPlaces: "automatic", displayAs: "number" } }),
  column({ name: "Price", currency: { locale: "en-us" } }),
  column({ name: "Done", boolean: {} }),
  column({ name: "Due_x0020_Date", displayName: "Due Date", dateTime: { displayAs: "default", format: "dateOnly" } }),
  column({ name: "Opened", dateTime: { displayAs: "default", format: "dateTime" } }),
  column({
    name: "Status",
    choice: { allowTextEntry: false, choices: ["New", "Open", "Closed"], displayAs: "dropDownMenu" },
  }),
  column({ name: "Tags", choice: { allowTextEntry: false, choices: ["a", "b", "c"], displayAs: "checkBoxes" } }),
  column({ name: "Notes", text: { allowMultipleLines: true, textType: "plain", linesForEditing: 6 } }),
  column({ name: "Link", hyperlinkOrPicture: { isPicture: false } }),
  column({ name: "Customer", lookup: { listId: CUSTOMERS_ID, columnName: "Title", allowMultipleValues: false } }),
  column({ name: "Assignee", personOrGroup: { allowMultipleSelection: false, chooseFromType: "peopleOnly" } }),
  column({ name: "Watchers", personOrGroup: { allowMultipleSelection: true, chooseFromType: "peopleAndGroups" } }),
  column({ name: "Total", readOnly: true, calculated: { formula: "=[Quantity]*[Price]", outputType: "number" } }),
  ...OWN_COLUMNS,
];

export const TICKETS: ListFacts = {
  ...{ id: guidOf("list tickets"), site: FINANCE, name: "Tickets", displayName: "Support tickets" },
  ...{ template: "genericList", base: 11 * IDS_EACH, columns: TICKET_COLUMNS },
};
export const CUSTOMERS: ListFacts = {
  ...{ id: CUSTOMERS_ID, site: FINANCE, name: "Customers", displayName: "Customers", template: "genericList" },
  ...{ base: 12 * IDS_EACH, columns: [TITLE, column({ name: "City", text: {} }), ...OWN_COLUMNS] },
};
const USERS: ListFacts = {
  ...{ id: guidOf("list users"), site: FINANCE, name: "users", displayName: "User Information List" },
  ...{ template: "userInformation", base: 13 * IDS_EACH, columns: [TITLE, ...OWN_COLUMNS], isSystem: true },
};

export const LISTS: readonly ListFacts[] = [
  ...[TICKETS, CUSTOMERS, USERS],
  ...DRIVES.map(
    (of): ListFacts => ({
      ...{ id: guidOf(`library ${of.id}`), site: of.site, name: of.name, displayName: of.name, drive: of },
      ...{
        template: "documentLibrary",
        base: of.base,
        columns: [TITLE, column({ name: "FileLeafRef", text: {} }), ...OWN_COLUMNS],
      },
    }),
  ),
];

export const USER = { email: "ada@contoso.com", id: guidOf("user ada"), displayName: "Ada Lopez" };

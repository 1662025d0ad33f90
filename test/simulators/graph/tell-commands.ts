import { z } from "zod";
import type { VendorTools } from "../vendor.ts";
import { driveNamed, listNamed } from "./named.ts";
import { feedItem, presentItem, presentRoot } from "./present-drive-items.ts";
import { itemsOfList, presentListItem } from "./present-lists.ts";
import { CLIENT_ID, DOCUMENTS, FINANCE, HOST, TENANT_ID, TICKETS } from "./tenant.ts";
import { contentOf, itemsOf, pathOf } from "./tree.ts";

const ofDrive = z.object({ drive: z.string() });

/** What the site says of itself, for who compares: not by way of the API. */
export const tellCommands = {
  about: () => ({
    ...{ tenantId: TENANT_ID, clientId: CLIENT_ID, siteUrl: `https://${HOST}/${FINANCE.path}` },
    ...{ driveId: DOCUMENTS.id, listId: TICKETS.id },
  }),
  /** Items as its feed has them, the root among them. */
  tellDrive(args: unknown, { store }: VendorTools) {
    const drive = driveNamed(ofDrive.parse(args).drive);
    const items = [
      presentRoot(store, drive),
      ...itemsOf(store, drive).map((item) => feedItem(presentItem(store, item))),
    ];
    return items.map(({ id, name, eTag, parentReference, file }) => ({
      ...{ id, name, eTag, parentId: parentReference?.id, quickXorHash: file?.hashes?.quickXorHash },
    }));
  },
  tellList(args: unknown, { store }: VendorTools) {
    const list = listNamed(z.object({ list: z.string() }).parse(args).list);
    return itemsOfList(store, list).map((item) => presentListItem(list, item, null));
  },
  /** Text of the files, by the path that begins with the drive's name. */
  tellFiles(args: unknown, { store }: VendorTools) {
    const drive = driveNamed(ofDrive.parse(args).drive);
    const files = itemsOf(store, drive).filter(({ kind }) => kind === "file");
    return files.map((item) => ({ path: `${drive.name}/${pathOf(store, item)}`, text: contentOf(item).toString() }));
  },
};

import { z } from "zod";
import type { VendorTools } from "../vendor.ts";
import type { GraphState } from "./graph-state.ts";
import { driveNamed, listNamed, siteNamed } from "./named.ts";
import { LIST_ITEMS } from "./present-lists.ts";
import { tellCommands } from "./tell-commands.ts";
import type { ListFacts } from "./tenant.ts";
import { change, ITEMS, isIn, makeFolder, resolvePath, type StoredItem, writeFile } from "./tree.ts";

export type Commands = Record<string, (args: unknown, tools: VendorTools) => unknown>;

const place = z.object({ drive: z.string(), path: z.string() });

/** What people do in the sites, and what the service does to them. Drives and lists go by name, items by path. */
export function commandsOf(state: GraphState): Commands {
  return {
    ...tellCommands,
    write(args, { store }) {
      const { drive, path, content } = place.extend({ content: z.string() }).parse(args);
      return writeFile(store, driveNamed(drive), path, content);
    },
    rename(args, { store }) {
      const { name, ...given } = place.extend({ name: z.string() }).parse(args);
      return change(store, itemAt(given, store), { name });
    },
    /** `to` is a folder, which is made where it is not there. */
    move(args, { store }) {
      const { to, ...given } = place.extend({ to: z.string() }).parse(args);
      return change(store, itemAt(given, store), { parent: makeFolder(store, driveNamed(given.drive), to) });
    },
    remove(args, { store }) {
      store.remove(ITEMS, itemAt(place.parse(args), store).id);
    },
    /** Adds an item to a list, or changes fields of one. @returns its id */
    putItem(args, { store }) {
      const shape = z.object({ list: z.string(), id: z.int().optional(), fields: z.record(z.string(), z.unknown()) });
      const { list, id, fields } = shape.parse(args);
      return putListItem(store, listNamed(list), { ...(id === undefined ? {} : { id }), fields });
    },
    removeItem(args, { store }) {
      const { list, id } = z.object({ list: z.string(), id: z.int() }).parse(args);
      store.remove(LIST_ITEMS, listNamed(list).base + id);
    },
    lock(args, { store }) {
      state.locks.add(itemAt(place.parse(args), store).id);
    },
    unlock() {
      state.locks.clear();
    },
    /** Addresses for downloads that were given out are refused from now on. */
    expireDownloads() {
      state.download.epoch += 1;
    },
    /** With Sites.Selected: the app may read the site, or may not any more. */
    grant(args) {
      state.access.grants.add(siteNamed(z.object({ site: z.string() }).parse(args).site).id);
    },
    withdraw(args) {
      state.access.grants.delete(siteNamed(z.object({ site: z.string() }).parse(args).site).id);
    },
    /** How its feeds are odd from now on (`FeedQuirks`). */
    quirks(args) {
      Object.assign(state.quirks, z.record(z.string(), z.boolean()).parse(args));
    },
    limit(args) {
      state.units.perMinute = z.object({ unitsPerMinute: z.int().nullable() }).parse(args).unitsPerMinute;
    },
    removeDrive(args) {
      state.goneDrives.add(driveNamed(z.object({ drive: z.string() }).parse(args).drive).id);
    },
  };
}

/** @returns the item's id in its list */
export function putListItem(
  store: VendorTools["store"],
  list: ListFacts,
  { id, fields }: { id?: number; fields: Record<string, unknown> },
): number {
  const used = [...store.rows(LIST_ITEMS).map((item) => item.id), ...store.changes.map((each) => each.id)];
  const last = used.filter((each) => isIn(list, each)).reduce((most, each) => Math.max(most, each), list.base);
  const at = id === undefined ? last + 1 : list.base + id;
  const before = store.find(LIST_ITEMS, at);
  store.put(LIST_ITEMS, {
    ...{ id: at, created: before?.created ?? "2026-01-03T10:00:00Z", revision: Number(before?.revision ?? 0) + 1 },
    fields: { ...Object(before?.fields), ...fields },
  });
  return at - list.base;
}

function itemAt({ drive, path }: { drive: string; path: string }, store: VendorTools["store"]): StoredItem {
  const item = resolvePath(store, driveNamed(drive), path);
  if (item === null || item === 0) throw new Error(`${drive} has no item ${path}`);
  return item;
}

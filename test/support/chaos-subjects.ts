import { createSimulator, type Simulator } from "../simulators/simulator.ts";
import type { Stored } from "../simulators/store.ts";
import { changeLines, deleteOrder, innerOf, isDeleted, putLine, TILL_KEY, till } from "../simulators/till.ts";
import { createDepotServer, type DepotServer } from "./depot-server.ts";
import type { Dice } from "./random.ts";
import { createShopServer, type ShopServer } from "./shop-server.ts";
import { connectVendor, createVendorSync, type VendorSync } from "./vendor-syncs.ts";
import { type Row, tableOf, type World } from "./world.ts";

/** What a table has to be once a run has succeeded. */
export interface Expected {
  entityKey: string;
  columns: string[];
  where?: (table: string) => string;
  lines: () => string[];
}

export interface Subject {
  name: string;
  sync: Row;
  tables: Expected[];
  /** Columns of which no two rows of the table have the same values. */
  unique?: { entityKey: string; columns: string[] };
  /** Its source may change while it is read: what a run has missed, the next one has. */
  mayChange: boolean;
}

/** Vendors in this process that change at random, and the syncs that read from them. */
export interface ChaosVendors {
  depot: DepotServer;
  shop: ShopServer;
  simulator: Simulator;
  changeDepot(): void;
  /** Shop and till list by offset and by time: they change between two runs. */
  changeOthers(): void;
  close(): Promise<void>;
}

const lineOf = (...values: unknown[]): string => values.join(" ");

export async function createChaosVendors(dice: Dice): Promise<ChaosVendors & { notesEver: Set<number> }> {
  const [depot, shop, simulator] = [await createDepotServer(), await createShopServer(), await createSimulator([till])];
  /** Those that a run can have seen. */
  const notesEver = new Set<number>();
  let texts = 0;
  const text = () => `t${++texts}`;
  let notes = 0;

  function putOrder(id: number): void {
    const lines = Array.from({ length: dice.roll(4) }, (_, n) => ({ id: 10 * id + n, text: text() }));
    const added = dice.oneIn(2) ? [{ id: ++notes, text: text() }] : [];
    shop.put({ id, note: text(), lines, notes: added });
  }
  /** Somebody moves a line from one order to another one. */
  function moveLine(): void {
    const orders = [...shop.orders.values()];
    const from = orders.find(({ lines }) => lines.length > 0);
    const to = orders.findLast(({ id }) => id !== from?.id);
    const [moved, ...kept] = from?.lines ?? [];
    if (from === undefined || to === undefined || moved === undefined) return;
    shop.put({ ...from, lines: kept });
    shop.put({ ...to, lines: [...to.lines, moved] });
  }
  const rememberNotes = () => {
    for (const { notes: present } of shop.orders.values()) for (const { id } of present) notesEver.add(id);
  };
  const anyId = (ids: Iterable<number>) => dice.pick([...ids]);

  for (let id = 1; id <= 25; id++) depot.put({ id, note: text() });
  for (let id = 1; id <= 17; id++) putOrder(id);
  rememberNotes();
  let lastThing = 25;
  let lastOrder = 17;

  return {
    ...{ depot, shop, simulator, notesEver },
    changeDepot() {
      for (let n = 1 + dice.roll(6); n > 0; n--) {
        if (dice.oneIn(3) && depot.things.size > 10) depot.remove(anyId(depot.things.keys()));
        else depot.put({ id: dice.oneIn(2) ? ++lastThing : 1 + dice.roll(lastThing), note: text() });
      }
    },
    changeOthers() {
      for (let n = 1 + dice.roll(6); n > 0; n--) {
        const change = dice.roll(4);
        if (change === 0 && shop.orders.size > 8) shop.remove(anyId(shop.orders.keys()));
        else if (change === 1) moveLine();
        // An id that was removed may come back.
        else putOrder(dice.oneIn(2) ? ++lastOrder : 1 + dice.roll(lastOrder));
      }
      rememberNotes();
      changeTill(simulator, dice);
    },
    async close() {
      await Promise.all([depot.close(), shop.close(), simulator.close()]);
    },
  };
}

function changeTill({ store, clock }: Simulator, dice: Dice): void {
  clock.advance(600);
  for (let n = 1 + dice.roll(5); n > 0; n--) {
    const { id } = dice.pick(presentOrders(store.rows("orders")));
    if (dice.oneIn(4)) deleteOrder(store, clock, id);
    else
      changeLines(store, id, () => {
        for (const line of innerOf(store, "lines", { id })) if (dice.oneIn(2)) store.remove("lines", line.id);
        for (let more = dice.roll(9); more > 0; more--) putLine(store, dice, { id: id * 100 + more, order_id: id });
      });
  }
  clock.advance(600);
}

const presentOrders = (orders: Stored[]): Stored[] => orders.filter((order) => !isDeleted(order));

/** Groups, feeds and jobs, in load modes that show what was lost or came twice. */
export async function createSubjects(
  world: World,
  { depot, shop, simulator, notesEver }: Awaited<ReturnType<typeof createChaosVendors>>,
): Promise<Subject[]> {
  const connections = {
    depot: await connectVendor(world, { provider: "dropbox", baseUrl: depot.baseUrl }),
    shop: await connectVendor(world, { provider: "rydership", baseUrl: shop.baseUrl }),
    till: await connectVendor(world, {
      ...{ provider: "redo", baseUrl: simulator.baseUrl("till"), secrets: { apiKey: TILL_KEY } },
    }),
  };

  async function begin(
    name: string,
    vendor: keyof typeof connections,
    tables: Expected[],
    more: Pick<Subject, "unique"> & { loadModes?: Record<string, string> } = {},
  ): Promise<Subject> {
    const { loadModes = {}, ...rest } = more;
    const entities = [...new Set(tables.map(({ entityKey }) => entityKey))];
    const tableBindings: VendorSync["tableBindings"] = Object.entries(loadModes).map(([entityKey, loadMode]) => ({
      ...{ entityKey, loadMode },
    }));
    const executionConfig = { maxAutoResumeAttempts: 20 };
    const sync = await createVendorSync(world, {
      ...{ connectionId: connections[vendor], entities, tableBindings, executionConfig },
    });
    return { name, sync, tables, mayChange: vendor === "depot", ...rest };
  }

  const things = (entityKey: string, where?: Expected["where"]): Expected => ({
    ...{ entityKey, columns: ["id", "note"], ...(where ? { where } : {}) },
    lines: () => [...depot.things.values()].map(({ id, note }) => lineOf(id, note)),
  });
  const orders = (where?: Expected["where"]): Expected => ({
    ...{ entityKey: "orders", columns: ["id", "note"], ...(where ? { where } : {}) },
    lines: () => [...shop.orders.values()].map(({ id, note }) => lineOf(id, note)),
  });
  const inner = (entityKey: "lines" | "notes", where?: Expected["where"]): Expected => ({
    ...{ entityKey, columns: ["id", "order_id", "text"], ...(where ? { where } : {}) },
    lines: () =>
      [...shop.orders.values()].flatMap((order) => order[entityKey].map(({ id, text }) => lineOf(id, order.id, text))),
  });
  const notesNow = () => new Set([...shop.orders.values()].flatMap((order) => order.notes.map(({ id }) => id)));
  const notes = (where: string, has: (id: number) => boolean): Expected => ({
    ...{ entityKey: "notes", columns: ["id"], where: () => where },
    lines: () => [...notesEver].filter(has).map(String),
  });
  const ofTill = (entityKey: "orders" | "lines" | "refunds"): Expected => ({
    ...{ entityKey, columns: ["id"] },
    lines() {
      const present = presentOrders(simulator.store.rows("orders"));
      const rows = entityKey === "orders" ? present : present.flatMap((of) => innerOf(simulator.store, entityKey, of));
      return rows.map(({ id }) => String(id));
    },
  });

  const isPresent = () => "_deleted_at is null";
  const isCurrent = () => "_is_current";
  const isNewest = (table: string) => `_snapshot_at = (select max(_snapshot_at) from ${table})`;
  return Promise.all([
    begin("a feed and its labels", "depot", [
      things("changes"),
      {
        ...{ entityKey: "labels", columns: ["id", "thing_id"] },
        lines: () => [...depot.things.keys()].map((id) => lineOf("label", id, id)),
      },
    ]),
    begin("a feed that marks", "depot", [things("changes", isPresent)], {
      loadModes: { changes: "upsert_soft_delete" },
    }),
    begin("versions of a feed", "depot", [things("changes", isCurrent)], {
      loadModes: { changes: "scd2" },
      unique: { entityKey: "changes", columns: ["id", "note"] },
    }),
    begin("an export that replaces", "depot", [things("exports")], { loadModes: { exports: "replace" } }),
    begin("an export for each run", "depot", [things("exports", isNewest)], {
      loadModes: { exports: "append_snapshot" },
      unique: { entityKey: "exports", columns: ["_snapshot_at", "id"] },
    }),
    begin("parts", "depot", [things("boxes")], { loadModes: { boxes: "replace" } }),
    begin("a parent and its children", "shop", [orders(), inner("lines"), inner("notes")]),
    begin(
      "each in its own mode",
      "shop",
      [
        orders(),
        inner("lines", isCurrent),
        notes("_deleted_at is null", (id) => notesNow().has(id)),
        notes("_deleted_at is not null", (id) => !notesNow().has(id)),
      ],
      {
        loadModes: { orders: "upsert", lines: "scd2", notes: "append_event" },
        unique: { entityKey: "lines", columns: ["id", "order_id", "text", "order_updated_at"] },
      },
    ),
    begin("a child alone", "shop", [inner("lines")]),
    begin("lists that the vendor cuts", "till", [ofTill("orders"), ofTill("lines"), ofTill("refunds")]),
  ]);
}

/** Rows of the table beyond the first of those that are equal. */
export async function countDoubles(world: World, { sync, unique }: Subject): Promise<number> {
  if (unique === undefined) return 0;
  const [row] = await world.warehouse(
    `select (count(*) - count(distinct (${unique.columns.join(", ")})))::int as doubles from ${tableOf(sync, unique.entityKey)}`,
  );
  return row?.doubles;
}

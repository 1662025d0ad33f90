import type { Dice } from "../support/random.ts";
import type { Vendor, VendorAnswer, VendorRequest, VendorTools } from "./simulator.ts";
import { type Store, secondsOf, type VirtualClock } from "./store.ts";

const FEED_PAGE = 40;
const NESTED_PAGE = 2;

/**
 * Acme Mail: a feed of changes with deletes, whose tokens expire, and attachments of each message in pages of their own. `/snapshot` lists
 * what is there and ends with a token, `/changes` goes on from one.
 */
export const mail: Vendor = {
  name: "mail",
  fill,
  answer(request, tools) {
    const { path, query } = request;
    if (path === "/snapshot") return listSnapshot(request, tools);
    if (path === "/changes") return listChanges(request, tools);
    const nested = /^\/messages\/(\d+)\/attachments$/.exec(path)?.[1];
    if (nested === undefined) return { status: 404, body: { error: "not found" } };
    const from = Number(query.get("from") ?? 0);
    const all = tools.store.rows("attachments").filter(({ message_id: of }) => of === Number(nested));
    const next = from + NESTED_PAGE < all.length ? from + NESTED_PAGE : null;
    return { status: 200, body: { items: all.slice(from, from + NESTED_PAGE), next } };
  },
};

/** Its end is where the changes begin that came after the listing was begun. */
function listSnapshot({ query }: VendorRequest, { store, cursors }: VendorTools): VendorAnswer {
  const given = query.get("page");
  const state = (given === null ? { after: 0, since: store.changes.length } : cursors.read(given)) as Snapshot | null;
  if (state === null) return EXPIRED;
  const left = store.rows("messages").filter(({ id }) => id > state.after);
  const page = left.slice(0, FEED_PAGE);
  const more = left.length > page.length;
  const next: Snapshot = { after: page.at(-1)?.id ?? state.after, since: state.since };
  return {
    status: 200,
    body: more
      ? { changed: page, deleted: [], page: cursors.make(next) }
      : { changed: page, deleted: [], token: cursors.make({ at: state.since }) },
  };
}

interface Snapshot {
  after: number;
  since: number;
}

function listChanges({ query }: VendorRequest, { store, cursors }: VendorTools): VendorAnswer {
  const state = cursors.read(query.get("token") ?? "") as { at: number } | null;
  if (state === null) return EXPIRED;
  const page = store.changes.slice(state.at, state.at + FEED_PAGE);
  // A change of attachments is one of their message.
  const ids = [...new Set(page.map(({ table, id }) => (table === "messages" ? id : Math.floor(id / 100))))];
  const changed = ids.flatMap((id) => store.find("messages", id) ?? []);
  const deleted = ids.filter((id) => store.find("messages", id) === undefined);
  const at = state.at + page.length;
  const end = at >= store.changes.length ? { token: cursors.make({ at }) } : { page: cursors.make({ at }) };
  return { status: 200, body: { changed, deleted, ...end } };
}

const EXPIRED: VendorAnswer = { status: 410, body: { error: "the token has expired" } };

/** 200 messages, of which some have up to five attachments: more than one page of them. */
function fill(store: Store, dice: Dice, clock: VirtualClock): void {
  for (let id = 1; id <= 200; id++) {
    store.put("messages", { id, subject: `message ${id}`, updated_at: secondsOf(clock.now() - id * 1_000) });
    const attachments = id === 7 ? 3 : dice.roll(6);
    for (let n = 0; n < attachments; n++)
      store.put("attachments", { id: id * 100 + n, message_id: id, name: `file ${n}` });
  }
}

import type { Dice } from "../support/random.ts";
import { listChanged } from "./listing.ts";
import type { Vendor } from "./simulator.ts";
import { type Store, secondsOf, type VirtualClock } from "./store.ts";

/** What a login with it gives an access token for. */
export const DESK_KEY = "right-key";
const PAGE_SIZE = 20;

/**
 * Acme Desk, the vendor of "A provider in 10 minutes": a REST API with logins, windows whose start is exclusive, page tokens that expire, and
 * comments below each ticket.
 */
export const desk: Vendor = {
  name: "desk",
  fill,
  answer(request, tools) {
    const { method, path, headers, body } = request;
    if (method === "POST" && path === "/v1/login")
      return Object(body).key === DESK_KEY
        ? { status: 200, body: { token: tools.tokens.issue() } }
        : { status: 401, body: { error: "wrong key" } };
    if (!tools.tokens.isGood(headers.authorization?.replace(/^Bearer /, "")))
      return { status: 401, body: { error: "the token is not valid" } };
    if (!tools.isAllowed("tickets:read")) return { status: 403, body: { error: "not allowed" } };
    if (path === "/v1/tickets")
      return listChanged(tools.store.rows("tickets"), request, tools, {
        ...{ pageSize: PAGE_SIZE, after: "updated_after", before: "updated_before", token: "page_token" },
      });
    const ticketId = Number(/^\/v1\/tickets\/(\d+)\/comments$/.exec(path)?.[1]);
    if (tools.store.find("tickets", ticketId) === undefined) return { status: 404, body: { error: "not found" } };
    const comments = tools.store.rows("comments").filter((comment) => comment.ticket_id === ticketId);
    return {
      status: 200,
      body: { data: comments.map(({ ticket_id: _, ...own }) => tools.show({ ...own })), next: null },
    };
  },
};

/** 210 tickets, seven of each second, so that times stand on both sides of every page's edge; a comment below some. */
function fill(store: Store, dice: Dice, clock: VirtualClock): void {
  const start = clock.now() - 3_600_000;
  for (let n = 0; n < 210; n++) {
    const at = secondsOf(start + Math.floor(n / 7) * 1_000);
    store.put("tickets", {
      id: n + 1,
      subject: `a\tb\n\\"${n}`,
      customer: { id: 9_000_000_000_000_000 + dice.roll(1_000) },
      // Money to the last digit, and more digits than a double holds.
      total: JSON.rawJSON(`${dice.roll(1_000_000)}.${dice.roll(9)}0`),
      tags: ["x", null, n],
      solved: dice.oneIn(2),
      updated_at: at,
    });
    if (dice.oneIn(5)) store.put("comments", { id: n + 1, ticket_id: n + 1, body: `comment ${n}`, updated_at: at });
  }
}

import type { Context, TypedResponse } from "hono";
import type { JSONParsed } from "hono/utils/types";
import { AppError } from "../core/errors.ts";
import type { Page } from "../db/page.ts";
import { createBudget } from "./budget.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { writeJson } from "./embedded-json.ts";
import { presentPage } from "./present.ts";
import { streamPieces } from "./stream-pieces.ts";

/**
 * Answers of any size in bounded memory. What is large is made piece by piece, each when the client has taken the one before. In memory are
 * the pieces that clients have not taken yet, and the rows of those few that are in the making.
 */

/** An answer that is smaller is made at once; a piece has at least one item, however large that is. */
const PIECE_BYTES = 1024 * 1024;
/** Of pieces that lie here until clients have taken them: of all callers, and of one. */
const HELD_BYTES = 40 * PIECE_BYTES;
const SHARE_OF_CALLER = 1 / 2;
const PIECES_IN_THE_MAKING = 2;
const PATIENCE_MS = 20_000;
/** A page whose rows go for good before it is begun is looked up again, so often. */
const PAGE_TRIES = 3;

interface Piece {
  bytes: number;
  /** @returns its text, in parts */
  make(): Promise<string[]>;
}

interface List<Name extends string, Row, Id, Json> {
  /** Of the items in the answer. */
  name: Name;
  page: { limit: number; offset: number };
  /** Called again when rows of the page have gone before the answer began. */
  begin(): Promise<Page<Row, Id>>;
  present(rows: Row[]): Json[] | Promise<Json[]>;
}

type Answer<T> = Promise<Response & TypedResponse<JSONParsed<T>, 200, "json">>;

export type LargeAnswers = ReturnType<typeof createLargeAnswers>;

export function createLargeAnswers({ log }: Pick<ApiDeps, "log">) {
  const held = createBudget(HELD_BYTES, SHARE_OF_CALLER);
  const making = createBudget(PIECES_IN_THE_MAKING, 1);

  /**
   * A page of a list, with all of its items. A row that goes for good while the page is sent breaks the connection: a shorter page would
   * look whole.
   * @throws AppError too_many_lists
   */
  async function answerPage<Name extends string, Row, Id, Json>(
    c: Context<AppEnv>,
    list: List<Name, Row, Id, Json>,
  ): Answer<ReturnType<typeof presentPage> & { [key in Name]: Json[] }> {
    for (let left = PAGE_TRIES; left > 0; left--) {
      try {
        return await answerPieces(c, piecesOf(list, await list.begin()));
      } catch (error) {
        if (!(error instanceof RowsGoneError)) throw error;
      }
    }
    throw new AppError("database_unavailable", "Rows of this page are being removed all the time. Try again.");
  }

  /** @param one.bytes about, before it is made. @throws AppError too_many_lists */
  function answerOne<Json>(c: Context<AppEnv>, one: { bytes: number; make: () => Promise<Json> }): Answer<Json> {
    return answerPieces(c, [{ bytes: one.bytes, make: async () => writeJson(await one.make()) }]);
  }

  async function answerPieces<T>(c: Context<AppEnv>, [first, ...rest]: Piece[]): Answer<T> {
    if (first === undefined) throw new Error("An answer has at least one piece.");
    // Who asks for the headers alone would never take a piece.
    if (c.req.method === "HEAD") return json(c, "");
    if (rest.length === 0 && first.bytes <= PIECE_BYTES) return json(c, (await first.make()).join(""));
    const largest = Math.max(first.bytes, ...rest.map(({ bytes }) => bytes));
    const giveBack = await held.take(c.get("actor"), largest, PATIENCE_MS);
    if (giveBack === null) throw tooManyLists();
    try {
      // What goes wrong with the first one is answered as every other error.
      const begun = await makePiece(first);
      const stream = streamPieces({
        begun,
        next: async () => {
          const piece = rest.shift();
          return piece === undefined ? null : makePiece(piece);
        },
        onEnd: giveBack,
        onFailure: (err) => {
          log.warn({ requestId: c.get("requestId"), err }, "an answer broke off, and with it the connection");
          return c.env?.outgoing?.destroy() !== undefined;
        },
      });
      return json(c, stream);
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  async function makePiece({ make }: Piece): Promise<string[]> {
    const done = await making.take("everybody", 1, PATIENCE_MS);
    if (done === null) throw tooManyLists();
    try {
      return await make();
    } finally {
      done();
    }
  }

  return { answerPage, answerOne };
}

/** Together they are the whole answer. */
function piecesOf<Name extends string, Row, Id, Json>(
  { name, page: { limit, offset }, present }: List<Name, Row, Id, Json>,
  page: Page<Row, Id>,
): Piece[] {
  const envelope = JSON.stringify(presentPage({ limit, offset }, page.total));
  const groups = groupItems(page.items);
  return groups.map((group, index) => ({
    bytes: sum(group),
    make: async () => {
      const rows = await page.read(group.map(({ id }) => id));
      if (rows.length < group.length) throw new RowsGoneError();
      const items = (await present(rows)).flatMap((item, place) => [place === 0 ? "" : ",", ...writeJson(item)]);
      const before = index === 0 ? `${envelope.slice(0, -1)},"${name}":[` : ",";
      return [before, ...items, index === groups.length - 1 ? "]}" : ""];
    },
  }));
}

/** @returns at least one group, which is empty where there are no items */
function groupItems<Item extends { bytes: number }>(items: readonly Item[]): Item[][] {
  const groups: Item[][] = [[]];
  for (const item of items) {
    const last = groups.at(-1) ?? [];
    if (last.length > 0 && sum(last) + item.bytes > PIECE_BYTES) groups.push([item]);
    else last.push(item);
  }
  return groups;
}

function sum(items: readonly { bytes: number }[]): number {
  return items.reduce((total, { bytes }) => total + bytes, 0);
}

class RowsGoneError extends Error {
  override readonly name = "RowsGoneError";
  constructor() {
    super("Rows of the page have been removed meanwhile.");
  }
}

function tooManyLists(): AppError {
  return new AppError(
    "too_many_lists",
    "Too many large answers are being sent here. Try again in a moment, or ask for fewer items at once with limit.",
  );
}

/** What `body` says is not checked by the compiler: its pieces were made of what is. */
function json<T>(c: Context<AppEnv>, body: string | ReadableStream) {
  const answer: Response = c.body(body, 200, { "content-type": "application/json" });
  return answer as Response & TypedResponse<JSONParsed<T>, 200, "json">;
}

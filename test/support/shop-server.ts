import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ShopOrder {
  id: number;
  note: string;
  lines: { id: number; text: string }[];
  notes: { id: number; text: string }[];
}

export type StoredOrder = ShopOrder & { updatedAt: string };

export interface ShopPage {
  orders: StoredOrder[];
  /** Of all pages together; on the last one. */
  deleted: { id: number; at: string }[];
  next: number | null;
}

/** A vendor in memory on 127.0.0.1 whose orders come with their lines and notes, and that tells which orders it has deleted. */
export interface ShopServer {
  readonly baseUrl: string;
  put(order: ShopOrder): void;
  remove(id: number): void;
  orders: Map<number, StoredOrder>;
  pageSize: number;
  requests: string[];
  beforeAnswer: (request: string) => Promise<void> | void;
  close(): Promise<void>;
}

export async function createShopServer(): Promise<ShopServer> {
  let clock = Date.parse("2026-01-01T00:00:00Z");
  const now = () => new Date(clock).toISOString();
  const tick = () => {
    clock += 1_000;
    return now();
  };
  const deleted: ShopPage["deleted"] = [];

  const server = createServer((request, response) => void answer(request, response));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const what = `${request.method} ${url.pathname}${url.search}`;
    shop.requests.push(what);
    await shop.beforeAnswer(what);
    const body = url.pathname === "/now" ? { now: now() } : listPage(url.searchParams);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  }

  function listPage(params: URLSearchParams): ShopPage {
    const since = params.get("since") ?? "";
    const from = Number(params.get("from") ?? 0);
    const all = [...shop.orders.values()]
      .filter(({ updatedAt }) => updatedAt >= since)
      .sort((a, b) => a.updatedAt.localeCompare(b.updatedAt));
    const next = from + shop.pageSize < all.length ? from + shop.pageSize : null;
    return {
      orders: all.slice(from, from + shop.pageSize),
      deleted: next === null && since !== "" ? deleted.filter(({ at }) => at >= since) : [],
      next,
    };
  }

  const shop: ShopServer = {
    baseUrl: "",
    orders: new Map(),
    put(order) {
      shop.orders.set(order.id, { ...order, updatedAt: tick() });
    },
    remove(id) {
      shop.orders.delete(id);
      deleted.push({ id, at: tick() });
    },
    pageSize: 5,
    requests: [],
    beforeAnswer: () => undefined,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(shop, { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

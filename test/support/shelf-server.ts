import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A file; its version changes with each `put`. */
export interface Book {
  version: string;
  notes: string[];
}

/** A vendor in memory on 127.0.0.1 that has files. */
export interface ShelfServer {
  readonly baseUrl: string;
  put(id: string, notes: string[]): void;
  remove(id: string): void;
  books: Map<string, Book>;
  /** Paths that were asked for. */
  requests: string[];
  /** Is told of a request before anything is looked up. */
  beforeAnswer: (request: string) => Promise<void> | void;
  close(): Promise<void>;
}

export async function createShelfServer(): Promise<ShelfServer> {
  let changes = 0;
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(request.url ?? "");
    shelf.requests.push(path);
    await shelf.beforeAnswer(path);
    const body = path === "/" ? list() : shelf.books.get(path.slice(1));
    response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(body ?? null));
  });
  const list = () => [...shelf.books].map(([id, { version }]) => ({ id, version }));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const shelf: ShelfServer = {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    put(id, notes) {
      changes += 1;
      shelf.books.set(id, { version: `v${changes}`, notes });
    },
    remove: (id) => void shelf.books.delete(id),
    books: new Map(),
    requests: [],
    beforeAnswer: () => undefined,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return shelf;
}

/** What a table that is loaded file by file has, as `id version note`, in the order of files and rows. */
export function rowsOf({ books }: Pick<ShelfServer, "books">): string[] {
  return [...books].flatMap(([id, { version, notes }]) => notes.map((note) => `${id} ${version} ${note}`)).sort();
}

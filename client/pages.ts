import { type Answer, unwrap } from "./errors.ts";

interface Page {
  hasNext: boolean;
  limit: number;
  offset: number;
}

/**
 * Every page of a list, one request each:
 *
 *     for await (const { syncs } of pages((page) => sluice.GET("/api/v1/syncs", { params: { query: page } }))) ...
 *
 * Lists are newest first and paged by offset: what is added while one reads shifts the rest, so that an item may come twice.
 * @throws SluiceError
 */
export async function* pages<P extends Page>(
  ask: (page: { limit: number; offset: number }) => Promise<Answer<P>>,
  limit = 100,
): AsyncGenerator<P, void, undefined> {
  for (let offset = 0; ; offset += limit) {
    const page = await unwrap(ask({ limit, offset }));
    yield page;
    if (!page.hasNext) return;
  }
}

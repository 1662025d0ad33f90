import { parseArgs } from "node:util";
import pg from "pg";
import { FIRST_TABLE, fillCatalog } from "./lib/large-catalog.ts";
import { openSource } from "./lib/move-types.ts";

/**
 * How long the catalog of a large database takes: `npm run catalog:check -- <url> [--relations N] [--columns N] [--domains N]`, of a
 * superuser and an empty database, which it fills; first never analysed, then analysed.
 */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    relations: { type: "string", default: "50000" },
    columns: { type: "string", default: "4" },
    domains: { type: "string", default: "500" },
  },
});
const [url] = positionals;
if (url === undefined) throw new Error("Give the URL of an empty database.");

const client = new pg.Client(url);
await client.connect();
try {
  const [relations, columnsEach, domains] = [values.relations, values.columns, values.domains].map(Number);
  await fillCatalog(client, { relations: relations ?? 0, columnsEach: columnsEach ?? 0, domains: domains ?? 0 });
  await measure("never analysed");
  await client.query("analyze");
  await measure("analysed");
} finally {
  await client.end();
}

async function measure(state: string): Promise<void> {
  const source = await openSource(new URL(url ?? ""), new AbortController().signal);
  const time = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    const result = await work();
    console.log(`${state}, ${what}: ${Math.round(performance.now() - startedAt)} ms`);
    return result;
  };
  try {
    await time("check", () => source.check());
    const all = await time("all relations", () => source.discover(null));
    const some = all.slice(0, 500).map(({ entityKey }) => entityKey);
    await time(`${some.length} relations by name`, () => source.discover(some));
    await time("one relation", () => source.discover([FIRST_TABLE]));
  } finally {
    await source.close();
  }
}

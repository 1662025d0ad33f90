import { z } from "zod";
import { createDb } from "../db/client.ts";
import { migrateToLatest } from "../db/migrate.ts";

const env = z.object({ DATABASE_URL: z.url() }).parse(process.env);
const db = createDb({ url: env.DATABASE_URL, onPoolError: (error) => console.error(error.message) });
try {
  const applied = await migrateToLatest(db);
  console.log(applied.length === 0 ? "already at the latest migration" : `applied ${applied.join(", ")}`);
} finally {
  await db.destroy();
}

import { readDatabaseUrl } from "../control/env.ts";
import { createDb } from "../db/client.ts";
import { migrateToLatest } from "../db/migrate.ts";

const db = createDb({ url: readDatabaseUrl(process.env), onPoolError: (error) => console.error(error.message) });
try {
  const applied = await migrateToLatest(db);
  console.log(applied.length === 0 ? "already at the latest migration" : `applied ${applied.join(", ")}`);
} finally {
  await db.destroy();
}

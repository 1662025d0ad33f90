import { expect, test } from "vitest";
import { describeSchema } from "../../scripts/lib/describe-schema.ts";
import { useControlDatabase, withClient } from "../support/postgres.ts";

const database = useControlDatabase();

/** After a new migration: `npx vitest run test/db/schema-snapshot.test.ts -u`. */
test("db/schema.sql is what the migrations make", async () => {
  const schema = await withClient(database.url, describeSchema);
  await expect(
    `-- What the migrations make; read it, don't run it. Written by test/db/schema-snapshot.test.ts.\n\n${schema}`,
  ).toMatchFileSnapshot("../../db/schema.sql");
});

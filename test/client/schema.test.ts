import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { generateClientSchema } from "../../scripts/lib/client-schema.ts";

it("the client's types are those of the committed document", async () => {
  const document = await readFile("docs/openapi.json", "utf8");
  // `npm run openapi` writes both anew.
  expect(await readFile("client/schema.ts", "utf8")).toBe(await generateClientSchema(document));
});

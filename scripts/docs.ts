import { readFileSync, writeFileSync } from "node:fs";
import { GENERATED, regenerate } from "./lib/generated-docs.ts";

/** `npm run docs`: the tables of the documents that come from the code. A test holds them equal. */
for (const path of Object.keys(GENERATED)) {
  const text = readFileSync(path, "utf8");
  const current = regenerate(path, text);
  if (current !== text) writeFileSync(path, current);
  console.log(`${current === text ? "as it was" : "rewritten"}  ${path}`);
}

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LOAD_MODES } from "../../core/vocabulary.ts";

const ROOM = new URL("../../destinations/", import.meta.url).pathname;

/** Words of other things, too: `apply: "replace"`, a lock mode. */
const AMBIGUOUS: readonly string[] = ["replace", "upsert"];

/** Of plans that older versions have made. */
const STORED = "stored-target.ts";

test("no file of the destination but the load mode's own decides by the name of a load mode", () => {
  const names = LOAD_MODES.filter((name) => !AMBIGUOUS.includes(name));
  const decides = new RegExp(`"(${names.join("|")})"|[lL]oadMode\\s*[!=]==|switch \\([^)]*[lL]oadMode`);
  const files = readdirSync(ROOM, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  expect(files.length).toBeGreaterThan(50);
  const found = files
    .filter((file) => !file.startsWith("modes/") && file !== STORED)
    .filter((file) => decides.test(readFileSync(join(ROOM, file), "utf8")));
  expect(found).toEqual([]);
});

test("each load mode has a file of its own, which names no other", () => {
  const files = readdirSync(join(ROOM, "modes"));
  for (const mode of LOAD_MODES) {
    const file = `${mode.replaceAll("_", "-")}.ts`;
    expect(files).toContain(file);
    const text = readFileSync(join(ROOM, "modes", file), "utf8");
    expect(LOAD_MODES.filter((other) => other !== mode && text.includes(`"${other}"`))).toEqual([]);
  }
});

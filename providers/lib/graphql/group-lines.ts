import { createHash } from "node:crypto";
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isObject, type JsonObject, jsonOf, parseJson } from "../http/json.ts";
import { JobLostError } from "../jobs.ts";
import { openSpool } from "./spool.ts";

/** An object with those that name it as their parent. */
export interface Family {
  object: JsonObject;
  children: JsonObject[];
}

export interface GroupOptions {
  /** Of all lines, about. */
  bytes: number;
  /** Parts before this one are left out. */
  skip: number;
  /** The id of a line's parent; null where it has none. */
  parentOf(line: JsonObject): string | null;
}

/** One part at a time is in memory. */
const PART_BYTES = 4 * 1024 * 1024;
const MOST_PARTS = 1_024;
/** Text of one part before it is written. */
const WRITE_BYTES = 64 * 1024;

/**
 * Puts lines together whose children may stand anywhere. A small file is held in memory. Of a large one, each line goes to one of many files on the disk,
 * which its family's id chooses, and then one after the other is read: memory stays small however large the file is, and the same file always gives the
 * same parts in the same order.
 * @throws JobLostError for a child whose parent is not in the file
 */
export async function* groupLines(
  lines: AsyncIterable<readonly JsonObject[]>,
  options: GroupOptions,
): AsyncGenerator<{ number: number; families: Family[] }, void> {
  const { bytes, skip, parentOf } = options;
  const parts = Math.min(MOST_PARTS, Math.max(1, Math.ceil(bytes / PART_BYTES)));
  if (parts === 1) {
    const all: JsonObject[] = [];
    for await (const some of lines) all.push(...some);
    if (skip === 0) yield { number: 0, families: familiesOf(all, options) };
    return;
  }
  const spool = await openSpool();
  try {
    const written = createFiles(spool.path);
    for await (const some of lines) {
      for (const line of some) {
        const number = partOf(parentOf(line) ?? String(line.id), parts);
        if (number >= skip) await written.add(number, jsonOf(line) ?? "{}");
      }
    }
    await written.flush();
    for (let number = skip; number < parts; number += 1) {
      yield { number, families: familiesOf(await written.read(number), options) };
    }
  } finally {
    await spool.close();
  }
}

function createFiles(directory: string) {
  const waiting = new Map<number, { texts: string[]; bytes: number }>();
  const pathOf = (number: number): string => join(directory, `${number}.jsonl`);
  async function write(number: number): Promise<void> {
    const { texts } = waiting.get(number) ?? { texts: [] };
    waiting.delete(number);
    if (texts.length > 0) await appendFile(pathOf(number), `${texts.join("\n")}\n`, { mode: 0o600 });
  }
  return {
    async add(number: number, text: string): Promise<void> {
      const part = waiting.get(number) ?? { texts: [], bytes: 0 };
      part.texts.push(text);
      part.bytes += text.length;
      waiting.set(number, part);
      if (part.bytes >= WRITE_BYTES) await write(number);
    },
    async flush(): Promise<void> {
      for (const number of [...waiting.keys()]) await write(number);
    },
    async read(number: number): Promise<JsonObject[]> {
      let text: string;
      try {
        text = await readFile(pathOf(number), "utf8");
      } catch (error) {
        // No family fell into this part.
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
        throw error;
      }
      return text.split("\n").flatMap((line) => {
        const value = line === "" ? null : parseJson(line);
        return isObject(value) ? [value] : [];
      });
    },
  };
}

function partOf(id: string, parts: number): number {
  return createHash("sha256").update(id).digest().readUInt32BE(0) % parts;
}

/** In the order of their first lines. */
function familiesOf(lines: readonly JsonObject[], { parentOf }: GroupOptions): Family[] {
  const families = new Map<string, Family | { object: null; children: JsonObject[] }>();
  for (const line of lines) {
    const parent = parentOf(line);
    const id = parent ?? String(line.id);
    const family = families.get(id) ?? { object: null, children: [] };
    families.set(id, family);
    if (parent === null) family.object = line;
    else family.children.push(line);
  }
  return [...families].map(([id, { object, children }]): Family => {
    if (object !== null) return { object, children };
    // Deleted while the export was made, for one. The same file would have the same gap, so another one is made.
    throw new JobLostError(`it has objects of the parent ${id}, and not the parent itself`);
  });
}

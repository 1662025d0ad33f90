import { isObject, type JsonObject } from "../http/json.ts";
import type { HttpStream } from "../http/stream/http-stream.ts";
import { readJsonLines } from "../http/stream/json-lines.ts";
import type { ExportFile, GraphqlExports } from "./export-declaration.ts";

const FIX = "Retry the run: the file is read again. If it happens again, report it to the vendor.";

/**
 * The objects of an export's file. A file that ends between two lines looks whole, so its end is believed only where the vendor counts as many bytes or objects:
 * objects that are missing would count as deleted.
 * @throws TransientError source_response_invalid for a line that is no object with an id or a parent, and at the end where the counts differ
 */
export async function* wholeLines(
  stream: HttpStream,
  { size, lines, roots }: Pick<ExportFile, "size" | "lines" | "roots">,
  parentOf: GraphqlExports<never>["parentOf"],
): AsyncGenerator<JsonObject[], void> {
  const read = { lines: 0, roots: 0, bytes: 0 };
  for await (const { values, endsAt } of readJsonLines(stream)) {
    read.bytes = endsAt;
    const objects: JsonObject[] = [];
    for (const value of values) {
      read.lines += 1;
      const parent = isObject(value) ? parentOf(value) : null;
      // Some children have no id of their own.
      if (!isObject(value) || (parent === null && typeof value.id !== "string"))
        throw stream.refuse(`is no export: line ${read.lines} is no object with an id or a parent`, { fix: FIX });
      if (parent === null) read.roots += 1;
      objects.push(value);
    }
    yield objects;
  }
  const isWhole = (lines === null || lines === read.lines) && (roots === null || roots === read.roots);
  // Counts are of what the vendor has looked at, which may be more than it has written: Shopify promises a running count for a display of progress, and of
  // the file its size alone.
  if (isWhole || (size !== null && read.bytes === size)) return;
  const announced = `${lines ?? "?"} objects (${roots ?? "?"} without a parent)`;
  throw stream.refuse(`has ${read.lines} objects (${read.roots} without a parent), and ${announced} were announced`, {
    fix: FIX,
  });
}

import { cellOf, isObject, isStorable, type JsonObject, type JsonValue } from "../../http/json.ts";
import { fitCell } from "../../rest/field-types.ts";
import { fitInferred } from "../../rest/infer.ts";
import type { FileField } from "../shape.ts";
import { escapeCell } from "./copy-buffer.ts";
import type { RowFault } from "./csv-rows.ts";
import type { RowPlan } from "./row-plan.ts";

/** Makes lines of COPY text of JSON records. */
export interface JsonRows {
  /** @returns the line, or why there is none */
  lineOf(record: JsonValue, rowNumber: number): string | RowFault;
}

const UNSTORABLE = "text with a NUL character or half a surrogate pair, which Postgres cannot store";

export function createJsonRows({ steps, last, keepsUnmapped, isOmitted }: RowPlan): JsonRows {
  const parts = steps.map((step) => ({ ...step, before: step.before.toString() }));
  const end = last.toString();
  const known = new Set(steps.flatMap((step) => (step.kind === "field" ? [step.field.id] : [])));

  function unmappedOf(record: JsonObject): JsonObject | null {
    const strays = Object.entries(record).filter(([id, value]) => !known.has(id) && value !== null && !isOmitted(id));
    return keepsUnmapped && strays.length > 0 ? Object.fromEntries(strays) : null;
  }

  return {
    lineOf(record, rowNumber) {
      if (!isObject(record)) return { column: null, reason: "it is no JSON object" };
      let line = "";
      for (const part of parts) {
        line += part.before;
        if (part.kind === "rowNumber") {
          line += rowNumber;
          continue;
        }
        const value = part.kind === "field" ? memberOf(record, part.field.id) : unmappedOf(record);
        if (value === null || value === undefined) {
          line += "\\N";
          continue;
        }
        const column = part.kind === "field" ? part.field.column : null;
        const cell = part.kind === "field" ? cellOfField(value, part.field) : JSON.stringify(value);
        if (cell === null) return { column, reason: `it is not ${part.kind === "field" ? part.field.type : "JSON"}` };
        if (!isStorable(value, cell)) return { column, reason: UNSTORABLE };
        line += escapeCell(cell);
      }
      return line + end;
    },
  };
}

/** What every object inherits, such as `constructor`, is no member of a record. */
function memberOf(record: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** A column of text holds whatever comes later as its text: what the sample showed is no promise. */
function cellOfField(value: JsonValue, { type, isDeclared }: FileField): string | null {
  if (type === "text") return cellOf(value);
  if (isDeclared) return fitCell(value, type);
  if (type !== "date" && !type.startsWith("timestamp without")) return fitInferred(value, type);
  return typeof value === "string" ? fitCell(value, type) : null;
}

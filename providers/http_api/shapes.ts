import { jsonOf } from "../lib/http/json.ts";
import type { EntityReadSpec } from "../provider.ts";
import type { ReadContext } from "./pages.ts";
import { readSpecSchema } from "./read-spec.ts";
import { type RecordShape, shapeRecords } from "./record-shape.ts";
import type { Resource } from "./resources.ts";
import { sampleRecords } from "./sample.ts";

/** Found once for each source that is opened: discovery and plan have to say the same. */
export interface Shapes {
  /** @param known as the latest plan had it: what it has inferred stays */
  find(resource: Resource, known?: EntityReadSpec): Promise<FoundShape>;
}

export interface FoundShape {
  shape: RecordShape;
  /** A guess. */
  rowBytes: number;
}

const USUAL_ROW_BYTES = 300;

export function createShapes(context: Omit<ReadContext, "now" | "mayRestart">): Shapes {
  const found = new Map<string, FoundShape>();
  return {
    async find(resource, known) {
      const before = found.get(resource.name);
      if (before !== undefined) return before;
      // A sample is not read twice, so nothing comes twice.
      const reading = { ...context, now: Date.now(), mayRestart: true };
      const sample = resource.additionalFields === "infer" ? await sampleRecords(reading, resource) : [];
      const bytes = sample.reduce((sum, record) => sum + (jsonOf(record)?.length ?? USUAL_ROW_BYTES), 0);
      const shape = {
        shape: shapeRecords(resource, sample, known === undefined ? null : shapeIn(known)),
        rowBytes: sample.length === 0 ? USUAL_ROW_BYTES : Math.ceil(bytes / sample.length),
      };
      found.set(resource.name, shape);
      return shape;
    },
  };
}

/** Null for a plan of a version that kept something else. */
function shapeIn({ source }: EntityReadSpec): RecordShape | null {
  const parsed = readSpecSchema.safeParse(source);
  return parsed.success ? parsed.data.shape : null;
}

import { describe, expect, test } from "vitest";
import * as vocabulary from "../../core/vocabulary.ts";
import { SEARCH_ATTRIBUTES, syncRunWorkflowId } from "../../core/workflow-contract.ts";

describe("the closed lists", () => {
  test("name no value twice, in lower snake case", () => {
    for (const [name, values] of Object.entries(vocabulary)) {
      if (!Array.isArray(values)) continue;
      expect(new Set(values).size, name).toBe(values.length);
      for (const value of values) expect(value, name).toMatch(/^[a-z][a-z0-9_]*$/);
    }
  });

  test("hold 21 providers", () => {
    expect(vocabulary.PROVIDERS).toHaveLength(21);
  });

  test("begin with the reference's example or default", () => {
    const first = (values: readonly string[]): string | undefined => values[0];
    expect(first(vocabulary.PROVIDERS)).toBe("shopify");
    expect(first(vocabulary.SYNC_STATUSES)).toBe("draft");
    expect(first(vocabulary.TRIGGER_MODES)).toBe("manual");
    expect(first(vocabulary.EXECUTION_BACKENDS)).toBe("native");
    expect(first(vocabulary.EXECUTION_MODES)).toBe("sequential");
    expect(first(vocabulary.RUN_MODES)).toBe("incremental");
    expect(first(vocabulary.LOAD_MODES)).toBe("append_event");
    expect(first(vocabulary.SIZE_CLASSES)).toBe("xs");
    expect(first(vocabulary.STORAGE_KINDS)).toBe("postgres");
    expect(first(vocabulary.TABLE_NAMING_VERSIONS)).toBe("legacy");
  });
});

describe("what Temporal sees", () => {
  test("the workflow of a run is found by the run's id", () => {
    expect(syncRunWorkflowId("497f6eca-6276-4993-bfeb-53cbbbba6f08")).toBe(
      "sync-run/497f6eca-6276-4993-bfeb-53cbbbba6f08",
    );
  });

  test("search attributes fit into a namespace of the SQL store: 10 Keywords, 3 Ints, no reserved name", () => {
    const types = Object.values(SEARCH_ATTRIBUTES);
    expect(types.filter((type) => type === "Keyword").length).toBeLessThanOrEqual(10);
    expect(types.filter((type) => type === "Int").length).toBeLessThanOrEqual(3);
    for (const name of Object.keys(SEARCH_ATTRIBUTES)) expect(name).toMatch(/^Sluice[A-Z]/);
  });
});

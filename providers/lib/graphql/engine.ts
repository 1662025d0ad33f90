import type { Source } from "../../provider.ts";
import type { HttpClient } from "../http/client.ts";
import type { Resources } from "../rest/resources.ts";
import type { NestedColumn } from "./nested.ts";

/** The REST engine, with queries that ask for what one plan reads. */
export interface Engine {
  client: HttpClient;
  resources: Resources;
  source: Source;
  /** Of the entities that the plan reads. */
  nested: readonly NestedColumn[];
}

import type { Source } from "../../provider.ts";
import type { HttpClient } from "../http/client.ts";
import { checkApi } from "./check.ts";
import { discoverEntities } from "./discover.ts";
import { planEntity } from "./plan.ts";
import { readSlice } from "./read.ts";
import type { Resources } from "./resources.ts";
import { createShapes } from "./shapes.ts";

export interface RestSourceOptions {
  client: HttpClient;
  resources: Resources;
  /** What a check asks for; absent: the first resource. */
  checkPath?: string | undefined;
}

/** The source of a connector whose resources are pages of records that a REST API gives. */
export function createRestSource({ client: plain, resources, checkPath }: RestSourceOptions): Source {
  const { client, takeBytes } = countBytes(plain);
  const source = { client, resources, shapes: createShapes({ client, resources }) };
  return {
    check: () => checkApi(source, checkPath),
    discover: (entityKeys, known = new Map(), named = new Map()) => discoverEntities(source, entityKeys, known, named),
    plan: (request) => planEntity(source, request),
    read: (request) => readSlice({ ...source, takeBytes }, request),
    probe: async () => client.look(),
    close: () => client.close(),
  };
}

/** Counts the bodies of answers, of parents and of pages that are asked for again too. `takeBytes`: those since the last time. */
export function countBytes(client: HttpClient): { client: HttpClient; takeBytes: () => number } {
  let bytes = 0;
  return {
    client: {
      ...client,
      async send(request) {
        const response = await client.send(request);
        bytes += response.body.length;
        return response;
      },
    },
    takeBytes() {
      const taken = bytes;
      bytes = 0;
      return taken;
    },
  };
}

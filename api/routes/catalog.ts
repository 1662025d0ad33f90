import { createRoute } from "@hono/zod-openapi";
import { presentCatalog } from "../catalog.ts";
import type { ApiDeps } from "../deps.ts";
import { requireProvider } from "../require.ts";
import { createRouter } from "../router.ts";
import { catalogSchema, providerParams } from "../schemas/catalog.ts";
import { ok, problem } from "../schemas/responses.ts";

const get = createRoute({
  method: "get",
  path: "/api/v1/syncs/providers/{provider}/catalog",
  operationId: "getSyncProviderCatalog",
  summary: "Get Sync Provider Catalog",
  tags: ["Providers"],
  request: { params: providerParams },
  responses: { 200: ok(catalogSchema, "What the provider can give"), 404: problem[404], 422: problem[422] },
});

export function catalogRoutes(deps: ApiDeps) {
  return createRouter().openapi(get, (c) =>
    c.json(presentCatalog(requireProvider(deps, c.req.valid("param").provider)), 200),
  );
}

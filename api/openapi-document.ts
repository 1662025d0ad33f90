import type { OpenAPIHono } from "@hono/zod-openapi";
import { SECURITY_SCHEMES } from "./auth.ts";
import type { AppEnv } from "./deps.ts";

/** The document of everything that is mounted on `app`; the same for every process, so it can be committed. */
export function describeApi(app: OpenAPIHono<AppEnv>) {
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Sluice",
      version: "1",
      description: "Control plane for data syncs: what to copy, from where, to where, when; and what became of it.",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    servers: [{ url: "/" }],
    // The empty one: until credentials are configured, none are asked for.
    security: [{}, { apiKey: [] }, { bearer: [] }, { cookie: [] }],
    tags: [
      { name: "Syncs", description: "Definitions: what to copy, from where, to where, when" },
      { name: "Runs", description: "Attempts at executing a sync" },
      { name: "Connections", description: "Accounts at providers" },
      { name: "Providers", description: "Kinds of external systems" },
      { name: "Health" },
    ],
  });
  document.components = { ...document.components, securitySchemes: SECURITY_SCHEMES };
  return document;
}

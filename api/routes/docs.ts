import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { Hono } from "hono";
import type { AppEnv } from "../deps.ts";

/** Swagger UI from our own dependencies: the page works without any network. */

const require = createRequire(import.meta.url);

const ASSETS: Record<string, string> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
  "favicon-32x32.png": "image/png",
};

const PAGE = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Sluice API</title>
  <link rel="stylesheet" href="/docs/swagger-ui.css">
  <link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
  <div id="docs"></div>
  <script src="/docs/swagger-ui-bundle.js"></script>
  <script src="/docs/start.js"></script>
</body>
</html>
`;

const START = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: null });\n`;

/** Swagger UI styles itself inline and draws its icons from data URLs. */
const CONTENT_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

export function docsRoutes() {
  return new Hono<AppEnv>()
    .get("/docs", (c) => c.html(PAGE, 200, { "content-security-policy": CONTENT_POLICY }))
    .get("/docs/start.js", (c) => c.body(START, 200, { "content-type": "text/javascript; charset=utf-8" }))
    .get("/docs/:asset", async (c) => {
      const asset = c.req.param("asset");
      const type = Object.hasOwn(ASSETS, asset) ? ASSETS[asset] : undefined;
      if (type === undefined) return c.notFound();
      const bytes = await readFile(require.resolve(`swagger-ui-dist/${asset}`));
      return c.body(new Uint8Array(bytes), 200, { "content-type": type, "cache-control": "public, max-age=3600" });
    });
}

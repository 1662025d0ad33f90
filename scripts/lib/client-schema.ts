import openapiTS, { astToString } from "openapi-typescript";

const HEADER = "/** Made from docs/openapi.json by `npm run openapi`. A test holds it equal; edits are lost. */\n\n";

/** The text of `client/schema.ts`: the types of every path, operation and schema of an OpenAPI document. */
export async function generateClientSchema(openApiDocument: string): Promise<string> {
  const nodes = await openapiTS(openApiDocument, {
    // What has a default may be left out of a request.
    defaultNonNullable: false,
    rootTypes: true,
    rootTypesNoSchemaPrefix: true,
  });
  return HEADER + astToString(nodes);
}

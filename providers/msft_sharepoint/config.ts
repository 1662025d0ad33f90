import { z } from "zod";
import { columnChoicesSchema } from "../lib/column-choice.ts";
import { httpUrl } from "../lib/config-fields.ts";
import { fileTablesSchema } from "../lib/files/config.ts";
import type { SecretDeclaration } from "../provider.ts";
import { CLOUD_NAMES } from "./clouds.ts";

const names = z.array(z.string().min(1).max(255)).min(1).max(1000);

const clientSecretAuth = z.strictObject({
  type: z.literal("client_secret").describe("The app logs in with the secret `clientSecret`."),
});

const certificateAuth = z.strictObject({
  type: z.literal("certificate").describe("The app signs its login with the secret `privateKey`."),
  thumbprint: z
    .string()
    .regex(/^(?:[0-9a-f]{2}[: ]?){20}(?:(?:[0-9a-f]{2}[: ]?){12})?$/i, "Must be 40 or 64 hexadecimal digits")
    .describe(
      "Thumbprint of the certificate, as the app registration shows it: 40 hexadecimal digits (SHA-1), or 64 (SHA-256).",
    ),
});

export const connectionSchema = z
  .strictObject({
    tenantId: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/, "Must be an id or a domain name")
      .describe("Directory (tenant) id, or a domain of the tenant such as `contoso.onmicrosoft.com`."),
    clientId: z.guid().describe("Application (client) id of the app registration."),
    auth: z
      .discriminatedUnion("type", [clientSecretAuth, certificateAuth])
      .default({ type: "client_secret" })
      .describe("How the app logs in."),
    cloud: z
      .enum(CLOUD_NAMES)
      .default("global")
      .describe(
        "Microsoft's cloud that the tenant is in. `global` has GCC too; `gcc_high` and `dod` are those of the US government; `china` is 21Vianet's.",
      ),
    siteUrl: httpUrl
      .optional()
      .describe("Address of the site: `https://contoso.sharepoint.com/sites/Finance`. Either this or `siteId`."),
    siteId: z
      .string()
      .regex(/^[A-Za-z0-9.,-]{1,300}$/, "Must be a site id as Graph gives it")
      .optional()
      .describe("Id of the site as Graph gives it: `contoso.sharepoint.com,2c71...,2d22...`."),
    includeSubsites: z.boolean().default(false).describe("Reads the sites below the site as well, however deep."),
    drives: names.optional().describe("Only these document libraries are offered, by name or id. Absent: all."),
    lists: names
      .optional()
      .describe("Only these lists are offered, by name, display name or id. Absent: all that are not hidden."),
    pageSize: z.int().min(1).max(5000).default(200).describe("Items that one request asks for. Graph may give fewer."),
    resourceUnitsPerMinute: z
      .int()
      .min(60)
      .max(100_000)
      .default(1200)
      .describe(
        "What SharePoint allows the app in the tenant: 1,200 up to 1,000 licences, 2,400 up to 5,000, 3,600 up to 15,000, 4,800 up to 50,000, 6,000 above. Less where other programs use the same app.",
      ),
    graphUrl: httpUrl.optional().describe("Address of Graph in place of the cloud's, without a version: for a proxy."),
    loginUrl: httpUrl.optional().describe("Address of the login service in place of the cloud's."),
  })
  .refine(({ siteUrl, siteId }) => (siteUrl === undefined) !== (siteId === undefined), {
    error: "Give either siteUrl or siteId",
    path: ["siteUrl"],
  });
export type ConnectionConfig = z.output<typeof connectionSchema>;

const DECLARED_KEYS = ["sites", "drives", "lists", "list_columns", "list_content_types", "site_users"];

export const sourceConfigSchema = z.strictObject({
  files: fileTablesSchema(DECLARED_KEYS).describe(
    "Tables that are made of files. A path begins with the name of the drive: `Documents/reports/**/*.csv`.",
  ),
  resources: columnChoicesSchema,
});
export type SourceConfig = z.output<typeof sourceConfigSchema>;

export const secrets = {
  clientSecret: {
    description: "Value (not the id) of a client secret of the app. For auth.type client_secret.",
    required: false,
  },
  privateKey: {
    description: "Private key of the certificate as PEM, RSA, without a passphrase. For auth.type certificate.",
    required: false,
  },
} satisfies Record<string, SecretDeclaration>;

/** Which of them the config needs. */
export function secretsOf({ auth }: ConnectionConfig): Record<string, SecretDeclaration> {
  const name = auth.type === "client_secret" ? "clientSecret" : "privateKey";
  return { [name]: { ...secrets[name], required: true } };
}

/** The site, by which its tables are named. */
export function sourceInstanceKey({ siteUrl, siteId = "" }: ConnectionConfig): string {
  if (siteUrl === undefined) return siteId;
  const { hostname, pathname } = new URL(siteUrl);
  return `${hostname}${pathname.replace(/\/+$/, "")}`;
}

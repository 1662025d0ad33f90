import { z } from "zod";
import { defineProvider, type Provider, type ResourceDeclaration } from "../../providers/provider.ts";

function resource(entityKey: string, more: Partial<ResourceDeclaration> = {}): ResourceDeclaration {
  return {
    entityKey,
    displayName: entityKey,
    description: `All ${entityKey}.`,
    cursorField: "updated_at",
    defaultSelected: true,
    dependsOn: [],
    loadMode: "upsert",
    sizeClass: "m",
    slicing: { by: "time", column: "updated_at", defaultWindow: "P1D" },
    storageKind: "postgres",
    storageDescription: "One row each.",
    configSchema: null,
    ...more,
  };
}

/** A provider with a fixed list of resources, for what no connector of this version has yet. Never connected to. */
export const shop: Provider = defineProvider<Record<string, unknown>, Record<string, unknown>>({
  key: "redo",
  displayName: "Shop",
  addressOf: (config) => config,
  connectionSchema: z.strictObject({ domain: z.string().min(1) }),
  secrets: {
    token: { description: "Access token.", required: true },
    webhookKey: { description: "Signs webhooks.", required: false },
  },
  sourceConfigSchema: z.strictObject({
    sinceYear: z.int().min(2000).default(2020),
    resources: z.strictObject({ orders: z.strictObject({ withLines: z.boolean() }).optional() }).default({}),
  }),
  dynamicResources: false,
  resources: [
    resource("orders", { configSchema: z.strictObject({ withLines: z.boolean() }) }),
    resource("refunds", { dependsOn: ["orders"], loadMode: "append_event" }),
    resource("sessions", { defaultSelected: false, cursorField: null }),
  ],
  sourceInstanceKey: (config) => String(config.domain),
  connect: () => {
    throw new Error("The API never connects to a source.");
  },
});

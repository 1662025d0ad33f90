import type { GraphQLResolveInfo } from "graphql";
import type { ShopContext } from "./context.ts";
import { findByGid, hasScope, internalError } from "./objects.ts";
import type { Resolved } from "./synthesize.ts";

type RootField = (args: Record<string, unknown>, context: ShopContext, info: GraphQLResolveInfo) => unknown;

/** Root fields that are no list of records, and no record by its id. */
export const ROOT_FIELDS: Record<string, RootField> = {
  node: ({ id }, context) => findByGid(context, String(id), "Node") ?? context.bulk.find(String(id)),
  nodes: ({ ids }, context) => (ids as string[]).map((id) => findByGid(context, id, "Node")),
  shop: (_, { tools }): Resolved => ({
    ...{ type: "Shop", seed: "Shop/1/0" },
    fields: {
      ...{
        id: 1,
        name: "Simulated shop",
        currencyCode: "EUR",
        myshopifyDomain: "simulated.myshopify.com",
        url: tools.apiUrl,
      },
      ...{
        ianaTimezone: "Europe/Berlin",
        timezoneOffset: "+0100",
        plan: { partnerDevelopment: true, shopifyPlus: false },
      },
    },
  }),
  shopifyPaymentsAccount: (_, { settings }): Resolved | null =>
    settings.paymentsAccount
      ? { type: "ShopifyPaymentsAccount", seed: "ShopifyPaymentsAccount/1/0", fields: { id: 1 } }
      : null,
  currentAppInstallation: (_, context): Resolved => ({
    ...{ type: "AppInstallation", seed: "AppInstallation/1/0" },
    fields: {
      id: 1,
      accessScopes: context.settings.scopes
        .filter((scope) => hasScope(context, scope))
        .map((handle) => ({ handle, description: handle })),
    },
  }),
  bulkOperation: ({ id }, { bulk }) => bulk.find(String(id)),
  currentBulkOperation: (_, { bulk }) => bulk.newest(),
  bulkOperations: (_, { bulk }) => bulk.page(),
  bulkOperationRunQuery({ query, groupObjects }, context) {
    const answer = context.bulk.run(context, String(query), groupObjects === true);
    // The operation is made, and the answer says that something went wrong.
    if (context.takeFailure("Mutation.bulkOperationRunQuery")) throw internalError();
    return answer;
  },
  bulkOperationCancel: ({ id }, { bulk }) => bulk.cancel(String(id)),
};

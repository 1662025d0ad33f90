import type { Ask } from "../lib/graphql/ask.ts";
import type { SourceCheck } from "../provider.ts";
import { PAYMENTS, PAYMENTS_ACCOUNT } from "./resources/payments.ts";
import type { Scopes } from "./scopes.ts";

export const ACCOUNT = `query { ${PAYMENTS_ACCOUNT} { id } }`;

const NONE = "The shop has no Shopify Payments account, so there are no payouts, balance transactions and disputes.";

/** A table without rows looks like one that was not read, so what has none for good reason says so. */
export function createPayments(ask: Ask) {
  const hasAccount = async (permission: string | undefined): Promise<boolean> => {
    const { data } = await ask({ doing: "the Shopify Payments account", query: ACCOUNT, permission });
    return data[PAYMENTS_ACCOUNT] !== null;
  };
  return {
    /** @returns null for entities that have to do with nothing here, and where there is an account */
    async whyNone(entityKey: string): Promise<string | null> {
      const resource = PAYMENTS.find((each) => each.entityKey === entityKey);
      return resource === undefined || (await hasAccount(resource.permission)) ? null : NONE;
    },
    /** Nothing, where the app may not look. */
    async check({ has }: Scopes): Promise<SourceCheck[]> {
      const permission = PAYMENTS.map((each) => each.permission).find(has);
      if (permission === undefined || (await hasAccount(permission))) return [];
      return [{ name: "Shopify Payments", ok: true, message: NONE, fix: "" }];
    },
  };
}

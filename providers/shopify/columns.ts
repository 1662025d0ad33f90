import type { GraphqlColumn } from "../lib/graphql/declaration.ts";
import type { FieldType } from "../lib/rest/field-types.ts";

type Columns = Record<string, GraphqlColumn>;

/** `totalPriceSet` -> `total_price_set` */
function snake(field: string): string {
  return field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Columns of one type, named as their fields. @param names of fields, with spaces between */
export function fields(type: FieldType, names: string): Columns {
  return Object.fromEntries(names.split(" ").map((field) => [snake(field), { type, path: field }]));
}

/** Ids of what an object refers to: `customer` -> `customer_id`. */
export function references(names: string): Columns {
  return Object.fromEntries(
    names.split(" ").map((field) => [`${snake(field)}_id`, { type: "text", path: `${field}.id` }]),
  );
}

/** Objects as JSON, with the selection of each. */
export function objects(selections: Record<string, string>): Columns {
  return Object.fromEntries(
    Object.entries(selections).map(([field, select]) => [
      snake(field),
      { type: "jsonb", path: field, select: `${field} { ${select} }` },
    ]),
  );
}

/** All nodes of connections as JSON, with the selection of each: `refundLineItems` -> `refund_line_items`. */
export function wholeLists(selections: Record<string, string>): Columns {
  return Object.fromEntries(
    Object.entries(selections).map(([field, nodes]) => [snake(field), { type: "jsonb", path: field, nodes }]),
  );
}

/** Exact amounts in the shop's currency: `totalPriceSet` -> `total_price`. @param names of MoneyBags, with spaces between */
export function shopMoney(names: string): Columns {
  return Object.fromEntries(
    names
      .split(" ")
      .map((field) => [snake(field.replace(/Set$/, "")), { type: "numeric", path: `${field}.shopMoney.amount` }]),
  );
}

/** Likewise in the currency that the customer saw: `total_price_presentment`. */
export function presentmentMoney(names: string): Columns {
  return Object.fromEntries(
    names
      .split(" ")
      .map((field) => [
        `${snake(field.replace(/Set$/, ""))}_presentment`,
        { type: "numeric", path: `${field}.presentmentMoney.amount` },
      ]),
  );
}

/** A MoneyV2: the amount and its currency. */
export function money(names: string): Columns {
  return Object.fromEntries(
    names.split(" ").flatMap((field) => [
      [snake(field), { type: "numeric", path: `${field}.amount` }],
      [`${snake(field)}_currency`, { type: "text", path: `${field}.currencyCode` }],
    ]),
  );
}

export const ID: Columns = {
  id: { type: "text", required: true, description: "Global id (`gid://shopify/...`)." },
};
export const LEGACY_ID: Columns = {
  legacy_resource_id: {
    type: "bigint",
    path: "legacyResourceId",
    description: "The number in the id, as REST and exports have it.",
  },
};
export const UPDATED_AT: Columns = {
  updated_at: { type: "timestamptz", path: "updatedAt", required: true },
};

/** What rows of a child have of their parent. @param name of the parent: `order` */
export function ofParent(name: string): Columns {
  return ofPathParent(name, "updatedAt");
}

/** @param updatedAt where the parent's node says when it last changed */
export function ofPathParent(name: string, updatedAt: string): Columns {
  return {
    ...ofUndatedParent(name),
    [`${name}_updated_at`]: {
      type: "timestamptz",
      parent: updatedAt,
      description: `When the ${name.replaceAll("_", " ")} last changed: the cursor, since the row is read with it.`,
    },
  };
}

/** Of a parent that does not tell when it last changed. */
export function ofUndatedParent(name: string): Columns {
  const description = `The ${name.replaceAll("_", " ")} that it belongs to.`;
  return { [`${name}_id`]: { type: "text", parent: "id", description } };
}

const MONEY = "amount currencyCode";
export const MONEY_BAG = `shopMoney { ${MONEY} } presentmentMoney { ${MONEY} }`;
export const ADDRESS =
  "firstName lastName company address1 address2 city province provinceCode country countryCodeV2 zip phone latitude longitude";
export const TAX_LINE = `title rate ratePercentage source channelLiable priceSet { ${MONEY_BAG} }`;
export const ATTRIBUTE = "key value";

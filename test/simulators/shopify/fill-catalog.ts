import type { Store } from "../store.ts";

type TimesOf = (n: number) => { created_at: string; updated_at: string };

/** What a shop has besides its trade: content, publications, markets, companies and subscriptions. */
export function fillCatalog(store: Store, at: TimesOf): void {
  const put = (table: string, id: number, record: Record<string, unknown> = {}) =>
    store.put(table, { id, ...at(id), ...record });
  const putMetafield = (id: number, owner: string, ofId: number) =>
    put("Metafield", id, { [`of${owner}`]: ofId, namespace: "custom", key: `key ${id}`, type: "number", value: "1" });
  putMetafield(9_001, "Shop", 1);
  for (const id of [1, 2]) {
    put("Publication", id, { autoPublish: id === 1, catalog: id });
    put("PriceList", id, { name: `Prices ${id}`, catalog: id });
    put("MarketCatalog", id, { title: `Catalog ${id}`, publication: id, priceList: id });
    put("Market", id, { name: `Market ${id}`, conditions: { regionsCondition: { id } } });
    for (let n = 0; n < 70; n++) put("MarketRegionCountry", id * 100 + n, { market: id, name: `Country ${n}` });
    for (let n = 1; n <= 60; n++) put("PriceListPrice", id * 1_000 + n, { priceList: id, variant: n * 100 });
    put("SellingPlanGroup", id, { name: `Plans ${id}` });
    for (let n = 0; n < 3; n++) put("SellingPlan", id * 10 + n, { group: id, name: `Plan ${n}` });
    put("MetaobjectDefinition", id, { type: `kind_${id}`, name: `Kind ${id}` });
    for (let n = 0; n < 60; n++) put("Metaobject", id * 100 + n, { definition: id, type: `kind_${id}` });
    const locationGroup = { id };
    put("DeliveryProfile", id, { name: `Profile ${id}`, profileLocationGroups: [{ locationGroup }] });
    put("Segment", id, { name: `Segment ${id}` });
    put("StaffMember", id, { name: `Person ${id}` });
    put("Blog", id, { title: `Blog ${id}` });
    putMetafield(9_010 + id, "Blog", id);
    putMetafield(9_020 + id, "Location", id);
  }
  for (let id = 1; id <= 20; id++) {
    put("Article", id, { title: `Article ${id}`, blog: 1 + (id % 2) });
    for (let n = 0; n < 12; n++) if (id === 3 || n === 0) putMetafield(9_100 + id * 20 + n, "Article", id);
    put("Comment", id, { body: `well\tsaid ${id}`, article: id });
    put("Page", id, { title: `Page ${id}` });
    putMetafield(9_600 + id, "Page", id);
    put("Company", id, { name: `Company ${id}` });
    putMetafield(9_700 + id, "Company", id);
    for (let n = 0; n < 3; n++) put("CompanyContact", id * 10 + n, { company: id, customer: 1 + id });
    put("CompanyLocation", id, { name: `Office ${id}`, company: id });
    putMetafield(9_800 + id, "CompanyLocation", id);
    putMetafield(9_900 + id, "DraftOrder", id);
    put("SubscriptionContract", id, { customer: 1 + id, originOrder: id });
    for (let n = 0; n < 2; n++) put("SubscriptionLine", id * 10 + n, { contract: id, quantity: n });
    putMetafield(10_000 + id, "ProductVariant", id * 100);
    put("MediaImage", id, { product: id });
    for (const publication of [1, 2]) {
      put("ResourcePublicationV2", id * 10 + publication, { product: id, publication, isPublished: true });
      if (id <= 5)
        put("ResourcePublicationV2", 1_000 + id * 10 + publication, {
          collection: id,
          publication,
          isPublished: id > 2,
        });
    }
    // More than a page within a page has.
    for (let n = 0; n < (id === 2 ? 30 : 2); n++)
      put("DiscountRedeemCode", id * 100 + n, { discount: id, code: `C${n}` });
  }
  for (let id = 1; id <= 210; id++) {
    put("OrderAgreement", id, { order: id });
    for (let n = 0; n < (id === 7 ? 130 : 1 + (id % 7)); n++)
      put("ProductSale", id * 1_000 + n, { agreement: id, lineItem: id * 100, quantity: n });
    if (id % 3 === 0) put("CustomerVisit", id, { order: id });
    if (id % 4 === 0) put("DiscountCodeApplication", id, { order: id, index: 0, code: `SAVE${id}` });
  }
}

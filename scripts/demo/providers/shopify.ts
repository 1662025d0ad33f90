import { expectedTable, printInstant } from "../expected-table.ts";
import type { ExpectedTable, ProviderDemo } from "../provider-demo.ts";
import { startSimulator } from "../simulator-process.ts";

type Node = Record<string, unknown>;

/** Orders with their line items, products with their variants, and customers of a simulated shop. */
export const shopifyDemo: ProviderDemo = {
  async start({ log }) {
    const shop = await startSimulator("shopify", log);

    /** The nodes of a query's only connection, as the shop itself has them. */
    async function tell(query: string): Promise<Node[]> {
      const data = Object(await shop.command("tell", query)) as Record<string, { nodes: Node[] }>;
      return Object.values(data).flatMap(({ nodes }) => nodes);
    }

    async function expected(): Promise<Record<string, ExpectedTable>> {
      const orders = await tell(
        "{ orders { nodes { id name email note updatedAt totalPriceSet { shopMoney { amount } } } } }",
      );
      const lines = await tell("{ orders { nodes { id lineItems { nodes { id title quantity } } } } }");
      const products = await tell("{ products { nodes { id title status updatedAt } } }");
      const customers = await tell("{ customers { nodes { id firstName updatedAt } } }");
      return {
        orders: expectedTable(
          ["id", "name", "email", "note", "total_price", "updated_at"],
          orders.map(({ id, name, email, note, totalPriceSet, updatedAt }) => [
            ...[id, name, email, note, Object(totalPriceSet).shopMoney.amount, printInstant(updatedAt)],
          ]),
        ),
        order_line_items: expectedTable(
          ["id", "order_id", "title", "quantity"],
          lines.flatMap(({ id, lineItems }) =>
            (Object(lineItems).nodes as Node[]).map((line) => [line.id, id, line.title, line.quantity]),
          ),
        ),
        products: expectedTable(
          ["id", "title", "status", "updated_at"],
          products.map(({ id, title, status, updatedAt }) => [id, title, status, printInstant(updatedAt)]),
        ),
        customers: expectedTable(
          ["id", "first_name", "updated_at"],
          customers.map(({ id, firstName, updatedAt }) => [id, firstName, printInstant(updatedAt)]),
        ),
      };
    }

    async function change(): Promise<string[]> {
      // Searches lag behind, and a connector stays a few minutes behind them.
      await shop.advance(900);
      await shop.put("Order", {
        id: 900,
        name: "#1900",
        email: "new@example.com",
        note: null,
        created_at: `${new Date().toISOString().slice(0, 19)}Z`,
      });
      await shop.put("LineItem", { id: 90_000, order: 900, title: "brand-new", quantity: 3 });
      await shop.put("Order", { id: 12, note: "changed" });
      await shop.remove("LineItem", 700);
      await shop.remove("Order", 9);
      await shop.remove("Product", 5);
      await shop.advance(900);
      return [
        "order 900 with a line item is new, the note of order 12 has changed",
        "a line item of order 7 is gone, and the order stays",
        "order 9 and product 5 are deleted",
      ];
    }

    return {
      ranAgainst:
        "a simulated shop on this machine (test/simulators/shopify, written from shopify.dev and the schema 2026-10), which is no real shop",
      connection: {
        config: { shop: "simulated.myshopify.com", baseUrl: shop.apiUrl },
        secrets: shop.secrets,
      },
      sync: { entities: ["orders", "order_line_items", "products", "customers"] },
      ...{ change, expected, stop: shop.stop },
    };
  },
};

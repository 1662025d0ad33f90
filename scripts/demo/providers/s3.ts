import { gzipSync } from "node:zlib";
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { S3_KEY, startS3Server } from "../../lib/s3-server.ts";
import type { ExpectedTable, ProviderDemo } from "../provider-demo.ts";

const BUCKET = "demo-exports";
const DAYS = 12;
const ORDERS_A_DAY = 2_000;

interface Order {
  id: number;
  customer: string;
  total: string;
}

/** A bucket with an export of orders for each day, and customers in one file. */
export const s3Demo: ProviderDemo = {
  async start({ log }) {
    const server = await startS3Server(log);
    await server.client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    /** What has been put there, by key. */
    const orders = new Map<string, Order[]>();
    let customers = Array.from({ length: 500 }, (_, i) => ({ id: i + 1, name: `Customer "${i + 1}", Ltd.` }));

    const put = (key: string, body: string | Buffer) =>
      server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));
    async function putOrders(day: number, rows: Order[]): Promise<void> {
      const key = `orders/day=2026-11-${String(day).padStart(2, "0")}/part 1.csv.gz`;
      orders.set(key, rows);
      await put(key, gzipSync(`id,customer,total\n${rows.map((row) => `${Object.values(row).join(",")}\n`).join("")}`));
    }
    async function putCustomers(): Promise<void> {
      await put("customers.ndjson", customers.map((each) => `${JSON.stringify(each)}\n`).join(""));
    }

    for (let day = 1; day <= DAYS; day++) await putOrders(day, ordersOf(day, ORDERS_A_DAY));
    await putCustomers();

    const resource = (name: string, pathGlob: string, type: string) => ({ name, pathGlob, format: { type } });
    return {
      ranAgainst: "fauxqs, a local server that speaks S3, on this machine; no real AWS",
      connection: {
        config: {
          ...{ bucket: BUCKET, endpoint: server.endpoint, forcePathStyle: true },
          auth: { type: "keys", accessKeyId: S3_KEY.accessKeyId },
        },
        secrets: { secretAccessKey: S3_KEY.secretAccessKey },
      },
      sync: {
        entities: ["orders", "customers"],
        sourceConfig: {
          files: [
            { ...resource("orders", "orders/**/*.csv.gz", "csv"), pathParts: "hive" },
            resource("customers", "customers.ndjson", "ndjson"),
          ],
        },
      },
      async change() {
        await putOrders(DAYS + 1, ordersOf(DAYS + 1, ORDERS_A_DAY));
        await putOrders(3, ordersOf(3, ORDERS_A_DAY - 500));
        const [gone = ""] = orders.keys();
        orders.delete(gone);
        await server.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: gone }));
        customers = [...customers.slice(1), { id: 501, name: "Customer 501" }];
        await putCustomers();
        return [
          "a file of orders is new",
          "a file of orders was replaced by one with 500 orders less",
          "a file of orders was deleted",
          "in the file of customers one is new, and one is gone",
        ];
      },
      expected: async () => ({ orders: expectedOrders(orders), customers: expectedCustomers(customers) }),
      stop: server.stop,
    };
  },
};

function ordersOf(day: number, count: number): Order[] {
  return Array.from({ length: count }, (_, i) => ({
    ...{ id: day * 100_000 + i, customer: `C-${(i * 7919) % 500}` },
    total: `${(i * 37) % 1000}.${String(i % 100).padStart(2, "0")}`,
  }));
}

function expectedOrders(orders: ReadonlyMap<string, Order[]>): ExpectedTable {
  const columns = ["id", "customer", "total", "day", "_file_path"];
  return {
    columns,
    rows: [...orders].flatMap(([key, rows]) => {
      const day = /day=([^/]+)/.exec(key)?.[1] ?? "";
      return rows.map(({ id, customer, total }) => [String(id), customer, total, day, key]);
    }),
  };
}

function expectedCustomers(customers: readonly { id: number; name: string }[]): ExpectedTable {
  return { columns: ["id", "name"], rows: customers.map(({ id, name }) => [String(id), name]) };
}

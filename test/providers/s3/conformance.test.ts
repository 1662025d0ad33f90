import { gzipSync } from "node:zlib";
import { s3 } from "../../../providers/s3/index.ts";
import { startS3Server } from "../../../scripts/lib/s3-server.ts";
import { createS3Front, type SeenS3Request } from "../../support/s3-front.ts";
import { describeProvider } from "../conformance.ts";
import { printRowsOf } from "../print-rows.ts";
import { connectionConfig, createBucket, S3_SECRETS } from "./bucket.ts";

const COLUMNS = [
  { name: "id", type: "bigint" },
  { name: "name", type: "text" },
  { name: "amount", type: "numeric" },
  { name: "day", type: "text" },
  { name: "_unmapped", type: "jsonb" },
  { name: "_file_path", type: "text" },
  { name: "_file_version", type: "text" },
  { name: "_row_number", type: "bigint" },
  { name: "_file_modified_at", type: "timestamp with time zone" },
];

interface Row {
  id: number;
  name: string;
  amount: string;
}

/** Two plain files and a compressed one, 210 rows together. */
const FILES = [1, 2, 3].map((day) => ({
  key: `orders/day=${day}/part ü+${day}.csv${day === 3 ? ".gz" : ""}`,
  day: String(day),
  rows: Array.from({ length: 70 }, (_, i): Row => {
    const id = day * 1000 + i;
    return { id, name: i % 9 === 0 ? `a "quoted", long\nname ${id}` : `name ${id}`, amount: `${i}.50` };
  }),
}));

const ofObject = ({ method, url }: SeenS3Request) => method === "GET" && !url.includes("list-type=2");
const ofListing = ({ url }: SeenS3Request) => url.includes("list-type=2");

describeProvider("s3", ["credentials", "permission", "stall", "throttle"], async () => {
  const server = await startS3Server(() => undefined);
  const front = await createS3Front(server.endpoint);
  const bucket = await createBucket(server);
  for (const { key, rows } of FILES) {
    const lines = rows.map(({ id, name, amount }) => `${id},"${name.replaceAll('"', '""')}",${amount}\n`);
    const text = ["id,name,amount\n", ...lines].join("");
    await bucket.put(key, key.endsWith(".gz") ? gzipSync(text) : text);
  }
  const listed = await bucket.list();
  return {
    provider: s3,
    config: connectionConfig(front.endpoint, bucket.name),
    secrets: S3_SECRETS,
    wrongSecrets: { secretAccessKey: "a-wrong-secret-access-key" },
    sourceConfig: {
      files: [{ name: "orders", pathGlob: "orders/**/*.csv*", format: { type: "csv" }, pathParts: "hive" }],
    },
    invalidConfigs: [
      connectionConfig("ftp://127.0.0.1", bucket.name),
      connectionConfig(front.endpoint, "no/bucket"),
      connectionConfig(front.endpoint, bucket.name, { auth: { type: "anonymous", accessKeyId: "x" } }),
      connectionConfig(front.endpoint, bucket.name, { auth: { type: "assume_role", accessKeyId: "x", roleArn: "me" } }),
    ],
    entity: { entityKey: "orders", keyColumns: ["_file_path", "_row_number"], cursorField: null },
    expectedRows: () =>
      printRowsOf(
        COLUMNS,
        FILES.flatMap(({ key, day, rows }) => {
          const file = listed.find(({ path }) => path === key);
          return rows.map((row, i) => ({
            ...{ ...row, day, _file_path: key, _row_number: i + 1 },
            ...{ _file_version: file?.versionToken, _file_modified_at: file?.modifiedAt },
          }));
        }),
      ),
    stall: () => front.stall(ofObject),
    async throttle() {
      const heal = front.answer(() => true, { status: 503, code: "SlowDown" });
      return async () => heal();
    },
    permission: {
      name: "s3:ListBucket",
      revoke: () => front.answer(ofListing, { status: 403, code: "AccessDenied" }),
    },
    async close() {
      await front.close();
      await server.stop();
    },
  };
});

import { defineFileProvider } from "../lib/files/define-file-provider.ts";
import { addressOf, type ConnectionConfig, connectionSchema, secrets, secretsOf, sourceInstanceKey } from "./config.ts";

export const s3 = defineFileProvider<ConnectionConfig>({
  key: "s3",
  displayName: "Amazon S3",
  connectionSchema,
  addressOf,
  secrets,
  secretsOf,
  sourceInstanceKey,
  connect: async (options) => {
    const { openBucket } = await import("./open-bucket.ts");
    return openBucket(options);
  },
});

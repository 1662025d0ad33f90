import { fileURLToPath } from "node:url";
import { Client, Connection } from "@temporalio/client";
import { connectionOptionsOf, type TemporalOptions } from "./temporal-options.ts";

export const WORKFLOWS_PATH = fileURLToPath(new URL("../workflows/index.ts", import.meta.url));

/** Refuses payloads over 64 KiB; the worker uses the same file. */
export const PAYLOAD_CONVERTER_PATH = fileURLToPath(new URL("../workflows/payload-converter.ts", import.meta.url));

/** Connects at the first call, so that a process starts and answers while Temporal is down. */
export function createTemporalClient(options: TemporalOptions): Client {
  const connection = Connection.lazy({ ...connectionOptionsOf(options), connectTimeout: "5s" });
  return new Client({
    connection,
    namespace: options.namespace,
    dataConverter: { payloadConverterPath: PAYLOAD_CONVERTER_PATH },
  });
}

/** gRPC says so when nobody answers at the address, or answers too late. */
export function isUnreachable(error: unknown): boolean {
  const code = grpcCodeOf(error);
  return code === 14 || code === 4;
}

function grpcCodeOf(error: unknown): number | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && typeof cause.code === "number") return cause.code;
  }
  return null;
}

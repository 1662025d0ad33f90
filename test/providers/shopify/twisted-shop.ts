import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { isObject, type JsonObject, type JsonValue } from "../../../providers/lib/http/json.ts";
import { openShop } from "./shop.ts";

/** What a shop may answer by its documents, and the simulator does not. */
export interface Twist {
  /** Of the API: changed in place. */
  answer?(answer: JsonObject, variables: JsonObject): void;
  /** The file of a bulk operation. */
  file?(text: string): string;
}

const OWN = ["host", "content-length", "connection", "transfer-encoding"];

/** A shop behind a proxy that twists its answers. */
export async function openTwisted({ answer, file }: Twist, given: NonNullable<Parameters<typeof openShop>[0]> = {}) {
  let shop = "";
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const { url = "", method = "GET" } = request;
    const isFile = url.startsWith("/file/");
    const headers = Object.entries(request.headers).filter(([name]) => !OWN.includes(name)) as [string, string][];
    const to = isFile ? decodeURIComponent(url.slice("/file/".length)) : `${shop}${url}`;
    const answered = await fetch(to, { method, headers, ...(body === "" ? {} : { body }) });
    let said = await answered.text();
    if (isFile) said = file?.(said) ?? said;
    else {
      const json = JSON.parse(said) as JsonObject;
      each(json, (object) => {
        if (typeof object.url === "string" && "partialDataUrl" in object)
          object.url = `${here()}/file/${encodeURIComponent(object.url)}`;
      });
      answer?.(json, (JSON.parse(body) as { variables?: JsonObject }).variables ?? {});
      said = JSON.stringify(json);
    }
    response.writeHead(answered.status, { "content-type": "application/json" }).end(said);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const here = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return openShop({
    ...given,
    config(simulator) {
      shop = simulator.baseUrl("shopify");
      return { ...given.config, baseUrl: here() };
    },
  });
}

/** Every object in the value. */
export function each(value: JsonValue | undefined, on: (object: JsonObject) => void): void {
  if (isObject(value)) on(value);
  if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) each(inner, on);
}

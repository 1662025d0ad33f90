import { describe, expect, it } from "vitest";
import { createHostPatterns } from "../../../../providers/lib/http/addresses.ts";
import { resolveTarget } from "../../../../providers/lib/http/target.ts";

const resolve = (url: string, baseUrl = "https://api.example/v1", query: [string, string][] = []) =>
  resolveTarget({ url, query }, baseUrl, createHostPatterns(["files.example"]), (why) => new Error(why)).href;

describe("the address of a request", () => {
  it.each([
    ["orders", "https://api.example/v1/orders"],
    ["/orders", "https://api.example/v1/orders"],
    ["/orders:export", "https://api.example/v1/orders:export"],
    ["", "https://api.example/v1"],
    ["?page=2", "https://api.example/v1/?page=2"],
    ["https://api.example/v2/orders?page=2#top", "https://api.example/v2/orders?page=2"],
    ["https://files.example/orders.json", "https://files.example/orders.json"],
    ["//files.example/orders.json", "https://files.example/orders.json"],
  ])("%j is below the base's path, or absolute", (url, target) => {
    expect(resolve(url)).toBe(target);
  });

  it("does not mind a slash at the end of the base, nor its query", () => {
    expect(resolve("orders", "https://api.example/v1/")).toBe("https://api.example/v1/orders");
    expect(resolve("orders", "https://api.example/v1?tenant=7")).toBe("https://api.example/v1/orders");
    expect(resolve("", "https://api.example/graphql?tenant=7")).toBe("https://api.example/graphql?tenant=7");
    expect(resolve("orders", "https://api.example")).toBe("https://api.example/orders");
  });

  it("has its parameters replaced by those of the request, of which one may come twice", () => {
    const query: [string, string][] = [
      ["page", "3"],
      ["status", "open"],
      ["status", "a&b"],
    ];
    expect(resolve("orders?page=2&page=9&size=5", undefined, query)).toBe(
      "https://api.example/v1/orders?size=5&page=3&status=open&status=a%26b",
    );
  });

  it.each([
    ["https://api.example.evil.example/", "api.example.evil.example is neither baseUrl's host nor one of allowedHosts"],
    ["http://api.example/", "api.example is neither"],
    ["https://api.example:8443/", "api.example:8443 is neither"],
    ["orders:export", "orders: is neither"],
    ["http://[", "its address is no URL"],
  ])("%j is refused", (url, why) => {
    expect(() => resolve(url)).toThrow(why);
  });

  it("needs a base that is a URL", () => {
    expect(() => resolve("orders", "api.example")).toThrow("baseUrl is no URL");
  });
});

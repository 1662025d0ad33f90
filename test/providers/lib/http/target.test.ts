import { describe, expect, it } from "vitest";
import { createHostPatterns } from "../../../../egress/addresses.ts";
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

  it("does not mind a slash at the end of the base", () => {
    expect(resolve("orders", "https://api.example/v1/")).toBe("https://api.example/v1/orders");
    expect(resolve("orders", "https://api.example")).toBe("https://api.example/orders");
  });

  it("has the parameters of the base once, and those of the request win", () => {
    const base = "https://api.example/v1?api-version=7&tag=a&tag=b";
    expect(resolve("orders", base)).toBe("https://api.example/v1/orders?api-version=7&tag=a&tag=b");
    expect(resolve("orders?tag=c", base)).toBe("https://api.example/v1/orders?tag=c&api-version=7");
    expect(resolve("orders", base, [["api-version", "8"]])).toBe(
      "https://api.example/v1/orders?tag=a&tag=b&api-version=8",
    );
    const link = "https://api.example/v1/orders?api-version=7&tag=a&tag=b&page=2";
    expect(resolve(link, base)).toBe(link);
    expect(resolve("", "https://api.example/graphql?tenant=7")).toBe("https://api.example/graphql?tenant=7");
    expect(resolve("https://files.example/a.json", base)).toBe("https://files.example/a.json");
  });

  it.each([
    ["http://api.example/v1/orders?page=2", "https://api.example/v1", "https://api.example/v1/orders?page=2"],
    ["http://api.example:80/v1/orders", "https://api.example:443/v1", "https://api.example/v1/orders"],
    ["http://api.example:443/v1/orders", "https://api.example/v1", "https://api.example/v1/orders"],
    ["https://api.example:8080/v1/orders", "http://api.example:8080/v1", "http://api.example:8080/v1/orders"],
    ["https://API.example/v1/orders", "http://api.example/v1", "http://api.example/v1/orders"],
  ])("%j of the server at %j is asked with the scheme and port of the base", (link, base, target) => {
    expect(resolve(link, base)).toBe(target);
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
    [
      "https://api.example.evil.example/",
      "https://api.example.evil.example is neither baseUrl's server (https://api.example) nor one of allowedHosts",
    ],
    ["http://api.example:8443/", "http://api.example:8443 is neither"],
    ["https://api.example:8443/", "https://api.example:8443 is neither"],
    ["orders:export", "orders: is neither"],
    ["http://[", "its address is no URL"],
  ])("%j is refused", (url, why) => {
    expect(() => resolve(url)).toThrow(why);
  });

  it("needs a base that is a URL", () => {
    expect(() => resolve("orders", "api.example")).toThrow("baseUrl is no URL");
  });
});

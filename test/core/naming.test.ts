import { describe, expect, test } from "vitest";
import { fitIdentifier, normaliseName, physicalTableName, shortHash, slugify } from "../../core/naming.ts";
import { PROVIDERS, TABLE_NAMING_VERSIONS } from "../../core/vocabulary.ts";

const bytes = (text: string): number => new TextEncoder().encode(text).length;

const ODD_NAMES = [
  "",
  " ",
  "___",
  "!!!",
  "Orders",
  "OrderItems",
  "order items",
  "public.orders",
  "Größe",
  "naïve café",
  "注文",
  "🛒",
  "a\u0000b",
  "\ud800",
  "2024-01",
  'we"ird',
  "tab\there",
  "x".repeat(500),
  "é".repeat(100),
  "🛒".repeat(50),
];

describe("normaliseName", () => {
  test.each([
    ["Order Items", "order_items"],
    ["orderItems", "order_items"],
    ["public.orders", "public_orders"],
    ["Größe", "größe"],
    ["Gro\u0308ße", "größe"],
    ["naïve café", "naïve_café"],
    ["ЦенаЗаказа", "цена_заказа"],
    ["public.订单", "public_订单"],
    ["मूल्य (₹)", "मूल्य"],
    ["__edge__", "edge"],
    ["ABC", "abc"],
    ["api2Key", "api2_key"],
    ["注文", "注文"],
    ["🛒", "unnamed"],
    ["", "unnamed"],
  ])("%j becomes %j", (name, expected) => {
    expect(normaliseName(name)).toBe(expected);
  });

  test.each(ODD_NAMES)("%j becomes lower snake case, never empty, and stays as it is the second time", (name) => {
    const normalised = normaliseName(name);
    expect(normalised).toMatch(/^[\p{L}\p{M}\p{N}]+(_[\p{L}\p{M}\p{N}]+)*$/u);
    expect(normalised).toBe(normalised.toLowerCase().normalize("NFC"));
    expect(normaliseName(normalised)).toBe(normalised);
  });
});

describe("slugify", () => {
  test("reads like the name", () => {
    expect(slugify("Acme Orders")).toBe("acme-orders");
    expect(slugify("Größe naïve")).toBe("gro-e-naive");
    expect(slugify("注文")).toBe("unnamed");
  });

  test.each([...ODD_NAMES, `${"a".repeat(62)} b`])("%j becomes a slug that the API accepts", (name) => {
    expect(slugify(name)).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(slugify(name).length).toBeLessThanOrEqual(63);
  });
});

describe("shortHash", () => {
  test("is 8 hex digits and stays the same for ever: tables are named by it", () => {
    expect(shortHash("")).toBe("811c9dc5");
    expect(shortHash("a")).toBe("e40c292c");
    expect(shortHash("foobar")).toBe("bf9cf968");
  });

  test("keeps ten thousand similar names apart", () => {
    const hashes = new Set(Array.from({ length: 10_000 }, (_, i) => shortHash(`shop__orders_${i}`)));
    expect(hashes.size).toBe(10_000);
  });
});

describe("fitIdentifier", () => {
  test("leaves 63 bytes as they are and cuts 64", () => {
    expect(fitIdentifier("a".repeat(63))).toBe("a".repeat(63));
    expect(fitIdentifier("a".repeat(64))).toBe(`${"a".repeat(54)}_${shortHash("a".repeat(64))}`);
  });

  test("takes no longer for a name of megabytes, which a source may send", () => {
    const name = "a".repeat(1_000_000);
    expect(fitIdentifier(name)).toBe(`${"a".repeat(54)}_${shortHash(name)}`);
  });

  test("counts bytes, not characters, and never cuts one in two", () => {
    expect(fitIdentifier("é".repeat(31))).toBe("é".repeat(31));
    for (const name of ["é".repeat(32), "注".repeat(22), "🛒".repeat(16), `a${"🛒".repeat(16)}`]) {
      const fitted = fitIdentifier(name);
      expect(bytes(fitted)).toBeLessThanOrEqual(63);
      expect(fitted).not.toContain("\ufffd");
      expect(name.startsWith(fitted.slice(0, -9))).toBe(true);
      expect(fitted.endsWith(`_${shortHash(name)}`)).toBe(true);
    }
  });

  test("keeps long names apart that differ only at their end", () => {
    const names = Array.from({ length: 1_000 }, (_, i) => fitIdentifier(`${"long_prefix_".repeat(10)}${i}`));
    expect(new Set(names).size).toBe(names.length);
    expect(Math.max(...names.map(bytes))).toBe(63);
  });
});

describe("physicalTableName", () => {
  const orders = {
    provider: "postgres",
    sourceInstanceKey: "db.example.com/shop",
    logicalTableName: "shop_orders",
    tableName: null,
  };

  test.each([
    { tableNamingVersion: "legacy", expected: "shop_orders" },
    { tableNamingVersion: "v1", expected: "postgres_shop_orders" },
    { tableNamingVersion: "v2", expected: "postgres__db_example_com_shop__shop_orders" },
  ] as const)("$tableNamingVersion gives $expected", ({ tableNamingVersion, expected }) => {
    expect(physicalTableName({ ...orders, tableNamingVersion })).toBe(expected);
  });

  test.each(TABLE_NAMING_VERSIONS)("the user's own name wins under %s", (tableNamingVersion) => {
    expect(physicalTableName({ ...orders, tableName: "My Orders", tableNamingVersion })).toBe("My Orders");
  });

  test("fits into 63 bytes for every provider, instance and version", () => {
    for (const provider of PROVIDERS) {
      for (const tableNamingVersion of TABLE_NAMING_VERSIONS) {
        for (const name of ODD_NAMES) {
          const table = physicalTableName({
            provider,
            sourceInstanceKey: name,
            logicalTableName: normaliseName(name),
            tableName: null,
            tableNamingVersion,
          });
          expect(bytes(table)).toBeLessThanOrEqual(63);
          expect(table).not.toBe("");
        }
      }
    }
  });

  test("two instances of one provider get tables of their own under v2, even when both names are cut", () => {
    const table = (instance: string): string =>
      physicalTableName({
        ...orders,
        sourceInstanceKey: `${"region-".repeat(12)}${instance}`,
        tableNamingVersion: "v2",
      });
    expect(table("a")).not.toBe(table("b"));
  });
});

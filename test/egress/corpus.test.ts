import { describe, expect, it } from "vitest";
import { isForbiddenAddress, isPublicAddress, leadsTo } from "../../egress/addresses.ts";
import { createDial } from "../../egress/dial.ts";
import { egressEntries } from "../../egress/env.ts";
import { isHost } from "../../egress/host.ts";
import { AddressRefusedError, type EgressPolicy } from "../../egress/policy.ts";
import { findProvider } from "../../providers/index.ts";

/** Addresses that no connector of any protocol may reach, in all the notations that resolvers and URLs make of them. */
const FORBIDDEN = [
  ["unspecified", "0.0.0.0"],
  ["this network", "0.1.2.3"],
  ["link-local", "169.254.0.1"],
  ["metadata service", "169.254.169.254"],
  ["task metadata", "169.254.170.2"],
  ["metadata of Alibaba", "100.100.100.200"],
  ["metadata of Oracle", "192.0.0.192"],
  ["host agent of Azure", "168.63.129.16"],
  ["multicast", "224.0.0.1"],
  ["reserved", "240.0.0.1"],
  ["broadcast", "255.255.255.255"],
  ["unspecified, IPv6", "::"],
  ["link-local, IPv6", "fe80::1"],
  ["metadata of AWS, IPv6", "fd00:ec2::254"],
  ["credentials of pods at AWS, IPv6", "fd00:ec2::23"],
  ["metadata of Scaleway, IPv6", "fd00:42::42"],
  ["metadata of Google, IPv6", "fd20:ce::254"],
  ["multicast, IPv6", "ff02::1"],
  ["mapped", "::ffff:169.254.169.254"],
  ["mapped, hexadecimal", "::ffff:a9fe:a9fe"],
  ["mapped, long", "0:0:0:0:0:ffff:a9fe:a9fe"],
  ["compatible", "::169.254.169.254"],
  ["translated", "::ffff:0:169.254.169.254"],
  ["NAT64", "64:ff9b::a9fe:a9fe"],
  ["NAT64, dotted", "64:ff9b::169.254.169.254"],
  ["local NAT64", "64:ff9b:1::a9fe:a9fe"],
  ["6to4", "2002:a9fe:a9fe::1"],
] as const;

/** A database may stand there. */
const PRIVATE = [
  "127.0.0.1",
  "10.1.2.3",
  "172.16.0.1",
  "192.168.1.1",
  "100.64.0.1",
  "::1",
  "fd00::1",
  "::ffff:10.0.0.1",
];

/** Spellings of a host that are more than one name or address, or an address in disguise. */
const NO_HOSTS = [
  "x/warehouse?host=127.0.0.1&port=1&sslmode=disable&y=",
  "db.example/other",
  "/var/run/postgresql",
  "./socket",
  "@socket",
  "user@db.example",
  "db.example:5433",
  "db.example,127.0.0.1",
  "db.example 127.0.0.1",
  "db.example#x",
  "db.example?x",
  "db.example%2f",
  "fe80::1%eth0",
  "[::1]",
  "postgres://db.example",
  "db.example\0",
  "db.example\n",
  " db.example",
  "db.example.",
  ".db.example",
  "db..example",
  "-db.example",
  "db\\example",
  "bücher.example",
  "１２７.0.0.1",
  "127。0。0。1",
  "2130706433",
  "0x7f000001",
  "0x7f.1",
  "0177.0.0.1",
  "127.1",
  "127.0.0.1.",
  "127.0.0.256",
  "::1::2",
  "1:2:3",
  "",
  "*",
];

const HOSTS = [
  "db.example",
  "localhost",
  "db_1.corp.example",
  "3com.example",
  "xn--bcher-kva.example",
  "127.0.0.1",
  "::1",
];

const ANYWHERE: EgressPolicy = { allowPrivate: ["0.0.0.0/0", "::/0"], allowOnly: null };

describe("an address that no connector may reach", () => {
  it.each(FORBIDDEN)("is known as such, and is dialled under no policy: %s", async (_, address) => {
    expect([isForbiddenAddress(address), isPublicAddress(address) && !address.startsWith("168.")]).toEqual([
      true,
      false,
    ]);
    const opens: EgressPolicy[] = [
      { allowPrivate: [], allowOnly: null },
      ANYWHERE,
      { allowPrivate: [], allowOnly: ["0.0.0.0/0", "::/0", "any.example"] },
    ];
    for (const policy of opens) {
      const dial = createDial({ policy: { ...policy, resolve: async () => [address] }, reach: "private" });
      for (const host of [address, "any.example"]) {
        const dialled = dial({ host, port: 5432 }, { timeoutMs: 10_000 });
        await expect(dialled).rejects.toBeInstanceOf(AddressRefusedError);
      }
    }
  });

  it.each(["169.254.169.254", "169.254.0.0/16", "[fd00:ec2::254]:80", "fe80::/10"])(
    "cannot be listed by an operator, who is told at once: %s",
    (entry) => {
      const issues = egressEntries().safeParse(entry).error?.issues;
      expect(issues?.[0]?.message).toBe(
        "entry 1 is a link-local, metadata, multicast or unspecified address, which no setting opens",
      );
    },
  );

  it("is no private one, and where others lead is told by them", () => {
    expect(PRIVATE.filter(isForbiddenAddress)).toEqual([]);
    expect(PRIVATE.filter(isPublicAddress)).toEqual([]);
    expect(["64:ff9b::a00:1", "2002:7f00:1::", "::ffff:10.0.0.1", "::1", "2606:4700::1111"].map(leadsTo)).toEqual([
      ["10.0.0.1"],
      ["127.0.0.1"],
      ["10.0.0.1"],
      [],
      [],
    ]);
  });
});

describe("the host of a database", () => {
  const schema = findProvider("postgres")?.connectionSchema;
  const issuesOf = (host: string) =>
    schema?.safeParse({ host, database: "shop", user: "sluice" }).error?.issues.map(({ path }) => path.join("."));

  it.each(NO_HOSTS)("is refused when it is not one name or address: %j", (host) => {
    expect(isHost(host)).toBe(false);
    expect(issuesOf(host)).toEqual(["host"]);
  });

  it.each(HOSTS)("may be %s", (host) => {
    expect(issuesOf(host)).toBeUndefined();
  });
});

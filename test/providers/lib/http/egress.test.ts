import { describe, expect, it } from "vitest";
import { egressEntries } from "../../../../egress/env.ts";
import { AddressRefusedError, type EgressPolicy } from "../../../../egress/policy.ts";
import { createEgressGuard } from "../../../../providers/lib/http/egress.ts";
import { GET, openClient, sendJson, serve } from "./local-http.ts";

const PUBLIC_ONLY: EgressPolicy = { allowPrivate: [], allowOnly: null };

/** Every way to write an address that must not be asked; WHATWG URL makes addresses of most of them. */
const REFUSED_URLS = [
  ["loopback", "https://127.0.0.1/"],
  ["loopback, another", "https://127.255.255.254/"],
  ["decimal", "https://2130706433/"],
  ["octal", "https://0177.0.0.1/"],
  ["octal, whole", "https://017700000001/"],
  ["hexadecimal", "https://0x7f000001/"],
  ["hexadecimal parts", "https://0x7f.0.0.0x1/"],
  ["mixed, short", "https://0x7f.1/"],
  ["two parts", "https://127.1/"],
  ["zero", "https://0/"],
  ["this network", "https://0.1.2.3/"],
  ["trailing dot", "https://127.0.0.1./"],
  ["percent-encoded", "https://%31%32%37.0.0.1/"],
  ["fullwidth digits", "https://１２７.０.０.１/"],
  ["circled digits", "https://①②⑦.⓪.⓪.①/"],
  ["ideographic full stops", "https://127。0。0。1/"],
  ["metadata service", "https://169.254.169.254/latest/meta-data/"],
  ["metadata service, decimal", "https://2852039166/"],
  ["RFC 1918, 10", "https://10.0.0.1/"],
  ["RFC 1918, 172", "https://172.31.255.255/"],
  ["RFC 1918, 192", "https://192.168.1.1/"],
  ["shared address space", "https://100.64.0.1/"],
  ["protocol assignments", "https://192.0.0.8/"],
  ["documentation", "https://192.0.2.1/"],
  ["documentation 2", "https://198.51.100.1/"],
  ["documentation 3", "https://203.0.113.1/"],
  ["benchmarking", "https://198.18.0.1/"],
  ["6to4 relay", "https://192.88.99.1/"],
  ["multicast", "https://224.0.0.1/"],
  ["reserved", "https://240.0.0.1/"],
  ["broadcast", "https://255.255.255.255/"],
  ["IPv6 loopback", "https://[::1]/"],
  ["IPv6 loopback, long", "https://[0:0:0:0:0:0:0:1]/"],
  ["unspecified", "https://[::]/"],
  ["mapped", "https://[::ffff:127.0.0.1]/"],
  ["mapped, hexadecimal", "https://[::ffff:7f00:1]/"],
  ["mapped public", "https://[::ffff:8.8.8.8]/"],
  ["compatible", "https://[::127.0.0.1]/"],
  ["translated", "https://[::ffff:0:127.0.0.1]/"],
  ["NAT64", "https://[64:ff9b::7f00:1]/"],
  ["local NAT64", "https://[64:ff9b:1::a00:1]/"],
  ["6to4", "https://[2002:7f00:1::]/"],
  ["Teredo", "https://[2001:0:7f00:1::]/"],
  ["IPv6 documentation", "https://[2001:db8::1]/"],
  ["IPv6 documentation 2", "https://[3fff::1]/"],
  ["unique local", "https://[fd00:ec2::254]/"],
  ["link-local", "https://[fe80::1]/"],
  ["site-local", "https://[fec0::1]/"],
  ["IPv6 multicast", "https://[ff02::1]/"],
  ["discard", "https://[100::1]/"],
  ["user information", "https://example.com@127.0.0.1/"],
  ["user of a public host", "https://user@example.com/"],
  ["password of a public host", "https://user:password@example.com/"],
  ["backslash before the host", "https:\\\\127.0.0.1/"],
  ["backslash after a public name", "https://127.0.0.1\\@example.com/"],
  ["tab in the host", "https://127.0\t.0.1/"],
  ["newline in the host", "https://127.0.0\n.1/"],
  ["leading spaces", "  https://127.0.0.1/"],
  ["upper case scheme", "HTTPS://127.0.0.1/"],
  ["http to a public address", "http://8.8.8.8/"],
  ["file", "file:///etc/passwd"],
  ["gopher", "gopher://127.0.0.1:70/_"],
  ["ftp", "ftp://127.0.0.1/"],
  ["data", "data:text/plain,hello"],
  ["javascript", "javascript:alert(1)"],
] as const;

const NOT_PUBLIC =
  "has an address that is not public. Use a public address, or have an operator add this one to SLUICE_EGRESS_ALLOW_PRIVATE.";
const FORBIDDEN =
  "has an address that no connector may reach: link-local, metadata, multicast or unspecified. Use another address: no setting opens this one.";

/** Names that a resolver gives a private address, or one among public ones. */
const REFUSED_NAMES: [host: string, addresses: string[], why?: string][] = [
  ["localhost", ["127.0.0.1"]],
  ["localhost.", ["::1"]],
  ["127.0.0.1.nip.example", ["127.0.0.1"]],
  ["metadata.internal", ["169.254.169.254"], FORBIDDEN],
  ["metadata.google.internal", ["93.184.215.14"], FORBIDDEN],
  ["both.example", ["93.184.215.14", "10.0.0.1"]],
  ["both-reversed.example", ["10.0.0.1", "93.184.215.14"]],
  ["mapped.example", ["::ffff:10.0.0.1"]],
  ["zone.example", ["fe80::1%eth0"], FORBIDDEN],
  ["xn--bcher-kva.example", ["192.168.0.10"]],
  ["odd.example", ["not an address"]],
];

describe("an address that must not be asked", () => {
  const guard = createEgressGuard({ policy: PUBLIC_ONLY });

  it.each(REFUSED_URLS)("is refused: %s", (_, url) => {
    const parsed = URL.canParse(url) ? new URL(url) : null;
    // A host that is not even a URL never reaches the guard.
    if (parsed !== null) expect(() => guard.check(parsed)).toThrow(AddressRefusedError);
    else expect(URL.canParse(url)).toBe(false);
  });

  it.each(REFUSED_NAMES)(
    "is refused behind the name %s, which is named without what it resolves to",
    async (host, addresses, why = NOT_PUBLIC) => {
      const client = openClient({ baseUrl: `https://${host}/`, egress: PUBLIC_ONLY, resolve: async () => addresses });
      const refusal = client.send(GET);
      await expect(refusal).rejects.toMatchObject({ name: "TerminalError", reasonCode: "source_address_refused" });
      await expect(refusal).rejects.toThrow(
        `http_api: page 1 of orders failed: GET https://${host}/orders: ${host} ${why}`,
      );
    },
  );

  it("is refused in every notation without a connection", async () => {
    const local = await serve((_, response) => sendJson(response, []));
    const notations = ["127.0.0.1", "2130706433", "0x7f.1", "0177.1", "[::ffff:127.0.0.1]", "localhost", "127.0.0.1."];
    for (const notation of notations) {
      const client = openClient({ baseUrl: `https://${notation}:${local.port}/`, egress: PUBLIC_ONLY });
      await expect(client.send(GET)).rejects.toMatchObject({ reasonCode: "source_address_refused" });
    }
    expect(local.received).toEqual([]);
  });
});

describe("a public address", () => {
  it.each([
    "https://8.8.8.8/",
    "https://[2606:4700:4700::1111]/",
    "https://172.32.0.1/",
    "https://example.com./",
    "https://bücher.example/",
  ])("passes: %s", (url) => {
    expect(() => createEgressGuard({ policy: PUBLIC_ONLY }).check(new URL(url))).not.toThrow();
  });
});

describe("a name that is resolved anew", () => {
  it("never reaches a private address, though it was public the first time", async () => {
    const local = await serve((_, response) => sendJson(response, []));
    const answers = [["127.0.0.2"], ["127.0.0.1"]];
    let asked = 0;
    const client = openClient({
      baseUrl: `http://rebinding.example:${local.port}/`,
      // 127.0.0.2 plays the public address: nobody listens there.
      egress: { allowPrivate: ["127.0.0.2"], allowOnly: null },
      resolve: async () => answers[Math.min(asked++, 1)] ?? [],
    });
    await expect(client.send(GET)).rejects.toMatchObject({ reasonCode: "source_address_refused" });
    expect(asked).toBe(2);
    expect(local.received).toEqual([]);
  });

  it("is connected to the address that was checked", async () => {
    const local = await serve((_, response) => sendJson(response, ["here"]));
    let asked = 0;
    const client = openClient({
      baseUrl: `http://once.example:${local.port}/`,
      resolve: async () => (asked++ === 0 ? ["127.0.0.1"] : ["10.0.0.1"]),
    });
    expect((await client.send(GET)).json()).toEqual(["here"]);
    expect(asked).toBe(1);
  });
});

describe("the policy of a deployment", () => {
  const check = (policy: EgressPolicy, url: string) => () => createEgressGuard({ policy }).check(new URL(url));

  it.each([
    ["an address", "10.1.2.3"],
    ["a range", "10.0.0.0/8"],
  ])("opens a private address that it names by %s, and no other", (_, pattern) => {
    const policy = { allowPrivate: [pattern], allowOnly: null };
    expect(check(policy, "https://10.1.2.3/")).not.toThrow();
    expect(check(policy, "http://10.1.2.3/")).not.toThrow();
    expect(check(policy, "https://192.168.0.1/")).toThrow(AddressRefusedError);
  });

  it.each(["db.corp.example", "*.corp.example", "DB.corp.example."])(
    "opens a private name that it names %s",
    async (pattern) => {
      const local = await serve((_, response) => sendJson(response, []));
      const open = (host: string) =>
        openClient({
          baseUrl: `http://${host}:${local.port}/`,
          egress: { allowPrivate: [pattern], allowOnly: null },
          resolve: async () => ["127.0.0.1"],
        });
      expect((await open("db.corp.example").send(GET)).status).toBe(200);
      await expect(open("corp.example.evil.example").send(GET)).rejects.toMatchObject({
        reasonCode: "source_address_refused",
      });
      await expect(open("evilcorp.example").send(GET)).rejects.toMatchObject({ reasonCode: "source_address_refused" });
    },
  );

  it("that lists the only hosts closes all others, public ones too", async () => {
    const local = await serve((_, response) => sendJson(response, []));
    const egress = { allowPrivate: ["127.0.0.1"], allowOnly: ["api.example", "127.0.0.0/24"] };
    const open = (host: string, address: string) =>
      openClient({ baseUrl: `http://${host}:${local.port}/`, egress, resolve: async () => [address] });
    expect((await open("api.example", "127.0.0.1").send(GET)).status).toBe(200);
    expect((await open("any.example", "127.0.0.1").send(GET)).status).toBe(200);
    await expect(open("any.example", "8.8.8.8").send(GET)).rejects.toThrow(
      "any.example is not among the hosts that this deployment lets connectors reach",
    );
  });
});

describe("a port", () => {
  const PUBLIC = "93.184.215.14";
  const policy = (allowPrivate: string[], allowOnly: string[] | null = null) => ({ allowPrivate, allowOnly });

  it.each<[EgressPolicy, url: string, passes: boolean]>([
    [PUBLIC_ONLY, `https://${PUBLIC}/`, true],
    [PUBLIC_ONLY, `https://${PUBLIC}:443/`, true],
    [PUBLIC_ONLY, `https://${PUBLIC}:8443/`, false],
    [PUBLIC_ONLY, `https://${PUBLIC}:22/`, false],
    [PUBLIC_ONLY, `http://${PUBLIC}:443/`, false],
    [policy([`${PUBLIC}:8443`]), `https://${PUBLIC}:8443/`, true],
    [policy([`${PUBLIC}:8443`]), `https://${PUBLIC}:8444/`, false],
    [policy(["10.0.0.0/8:8080"]), "http://10.1.2.3:8080/", true],
    [policy(["10.0.0.0/8:8080"]), "http://10.1.2.3/", false],
    [policy(["10.0.0.1:80"]), "http://10.0.0.1/", true],
    [policy(["[fd00::/8]:8080"]), "http://[fd00::1]:8080/", true],
    [policy(["[fd00::1]:8080"]), "http://[fd00::1]:8081/", false],
    [policy(["fd00::1"]), "http://[fd00::1]:8081/", true],
    [policy([], [PUBLIC]), `https://${PUBLIC}:8443/`, true],
    [policy([], [`${PUBLIC}:443`]), `https://${PUBLIC}:8443/`, false],
    [policy([], [`${PUBLIC}:443`]), `https://${PUBLIC}/`, true],
  ])("with %j, may %s be asked: %s", (given, url, passes) => {
    const check = () => createEgressGuard({ policy: given }).check(new URL(url));
    if (passes) expect(check).not.toThrow();
    else expect(check).toThrow(AddressRefusedError);
  });

  it("counts behind a name, and after a redirect", async () => {
    const local = await serve((_, response) => sendJson(response, []));
    const other = await serve((_, response) =>
      response.writeHead(302, { location: `http://api.example:${local.port}/` }).end(),
    );
    const open = (port: number) =>
      openClient({
        baseUrl: `http://api.example:${port}/`,
        egress: policy([`api.example:${other.port}`]),
        resolve: async () => ["127.0.0.1"],
      });
    for (const port of [local.port, other.port]) {
      await expect(open(port).send(GET)).rejects.toMatchObject({ reasonCode: "source_address_refused" });
    }
    expect([local.received.length, other.received.length]).toEqual([0, 1]);
  });
});

describe("a variable with egress entries", () => {
  const read = (text: string) => egressEntries().parse(text);

  it("holds names, patterns, addresses and ranges, with and without a port", () => {
    const entries = ["api.example", "*.corp.example:8443", "localhost:80", "10.0.0.1", "10.0.0.0/8:22", "::1"];
    const more = ["[::1]:8080", "fd00::/8", "xn--bcher-kva.example.", "_dmarc.example", "3com.example"];
    expect(read([...entries, ...more].join(" , "))).toEqual([...entries, ...more]);
  });

  it.each([
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "10.0.0/8",
    "10.0.0.256",
    "0x7f.1",
    "fd00::/129",
    "fd00::1::2",
    "[fd00::1",
    "[10.0.0.1",
    "[api.example]:443",
    "fe80::1%eth0",
    "https://api.example",
    "api.example/path",
    "api.example:0",
    "api.example:65536",
    "api.example:https",
    "user@api.example",
    "*",
    "*.",
    "api.*.example",
    "*api.example",
    "api..example",
    "-api.example",
    "bücher.example",
    "",
  ])("is refused with the position of what is malformed, and without its value: %s", (entry) => {
    const issues = egressEntries()
      .safeParse(`api.example,${entry}`)
      .error?.issues.map(({ message }) => message);
    expect(issues).toEqual([
      expect.stringMatching(/^entry 2 is neither a host name, \*\.suffix, address nor CIDR range/),
    ]);
    expect(() => createEgressGuard({ policy: { allowPrivate: [entry], allowOnly: null } })).toThrow(RangeError);
  });
});

describe("a link", () => {
  it.each([
    ["to another host", "https://other.example/orders"],
    ["without a scheme", "//other.example/orders"],
    ["with backslashes", "\\\\other.example\\orders"],
    ["with a tab before the slashes", "\t//other.example/orders"],
    ["to another port", "http://127.0.0.1:1/orders"],
    ["to another scheme", "file:///etc/passwd"],
    ["that is no URL", "http://["],
  ])("%s is refused before anything is resolved", async (_, url) => {
    const client = openClient({
      baseUrl: "http://127.0.0.1:9/",
      resolve: async () => {
        throw new Error("resolved");
      },
    });
    await expect(client.send({ ...GET, url })).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "source_address_refused",
    });
  });

  it.each(["127.0.0.1", "127.0.0.0/8", "[127.0.0.1]", "::ffff:127.0.0.1"])(
    "may point to an address that belongs to the source: %s",
    async (allowedHost) => {
      const local = await serve((_, response) => sendJson(response, []));
      const client = openClient({ baseUrl: "http://api.example/", allowedHosts: [allowedHost] });
      const answer = await client.send({ ...GET, url: `http://127.0.0.1:${local.port}/orders` });
      expect(answer.status).toBe(200);
      await expect(client.send({ ...GET, url: "http://10.0.0.1/orders" })).rejects.toMatchObject({
        reasonCode: "source_address_refused",
      });
    },
  );

  it("may point to a host that belongs to the source, with its credentials", async () => {
    const local = await serve((_, response) => sendJson(response, []));
    const client = openClient({
      baseUrl: "http://api.example/",
      allowedHosts: ["*.files.example"],
      resolve: async () => ["127.0.0.1"],
    });
    const response = await client.send({ ...GET, url: `http://eu.files.example:${local.port}/orders` });
    expect(response.status).toBe(200);
  });
});

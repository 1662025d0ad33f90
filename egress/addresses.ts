import { BlockList, isIP } from "node:net";

/** https://www.iana.org/assignments/iana-ipv4-special-registry, and what is not unicast. */
const NOT_PUBLIC_IPV4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
];

/** Outside of it: loopback, mapped and translated IPv4, unique local, link-local, multicast. */
const GLOBAL_IPV6 = ["2000::/3"];

/** https://www.iana.org/assignments/iana-ipv6-special-registry: protocol assignments with Teredo, documentation, 6to4. */
const NOT_PUBLIC_IPV6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

/**
 * What no connector has any business at, and no setting opens: this host's own "any" address, link-local addresses, where clouds keep the
 * metadata service with the machine's credentials, those of its services that stand elsewhere (Alibaba, Oracle, Azure; AWS with the
 * credentials of pods, Google and Scaleway over IPv6), multicast, and broadcast.
 */
const FORBIDDEN = [
  "0.0.0.0/8",
  "169.254.0.0/16",
  "100.100.100.200",
  "192.0.0.192",
  "168.63.129.16",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::",
  "fe80::/10",
  "fd00:42::42",
  "fd00:ec2::/32",
  "fd20:ce::254",
  "ff00::/8",
];

/**
 * Addresses that lead to an IPv4 address, and the group of 16 bits where that begins: mapped, compatible, translated, NAT64 by the
 * well-known prefix and by a local one, 6to4. https://www.rfc-editor.org/rfc/rfc6052#section-2.2
 */
const LEADING_TO_IPV4: [prefix: string, group: number][] = [
  ["::ffff:0:0/96", 6],
  ["::/96", 6],
  ["::ffff:0:0:0/96", 6],
  ["64:ff9b::/96", 6],
  ["64:ff9b:1::/48", 6],
  ["2002::/16", 1],
];

/** Each family has its own lists, since a rule for mapped addresses would match all of IPv4. */
const notPublicIpv4 = createAddressList(NOT_PUBLIC_IPV4);
const globalIpv6 = createAddressList(GLOBAL_IPV6);
const notPublicIpv6 = createAddressList(NOT_PUBLIC_IPV6);

const isForbiddenItself = createAddressList(FORBIDDEN);
const leadingToIpv4 = LEADING_TO_IPV4.map(([prefix, group]) => ({ matches: createIpv6List(prefix), group }));

/** May no connector reach it, whatever a deployment allows? Judged by itself and by where it leads. */
export function isForbiddenAddress(address: string): boolean {
  return [address, ...leadsTo(address)].some(isForbiddenItself);
}

/** The IPv4 address within an IPv6 address that stands for one; otherwise none. */
export function leadsTo(address: string): string[] {
  if (isIP(address) !== 6) return [];
  const found = leadingToIpv4.find(({ matches }) => matches(address));
  // `::` and `::1` are no addresses of the kind.
  if (found === undefined || /^[0:]*:0*[01]?$/.test(address)) return [];
  const groups = groupsOf(address);
  const [high = 0, low = 0] = groups.slice(found.group);
  return [[high >> 8, high & 255, low >> 8, low & 255].join(".")];
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  // A URL writes an address in one way, without dots.
  const [left = "", right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const parse = (text: string) => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
  if (right === undefined) return parse(left);
  const [before, after] = [parse(left), parse(right)];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

/** Can it be an address of the public internet? What is no address is not public. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !notPublicIpv4(address);
    case 6:
      return globalIpv6(address) && !notPublicIpv6(address);
    default:
      return false;
  }
}

export interface HostPatterns {
  matchesName(hostName: string): boolean;
  /** By itself or by the address that it leads to. */
  matchesAddress(address: string): boolean;
  /** Could a name match by what it resolves to? */
  hasAddresses: boolean;
}

/** An address has to be whole, and its prefix one of its bits. Anything else is taken for a name. */
export function isHostPattern(pattern: string): boolean {
  const [address = "", prefix, ...more] = withoutBrackets(pattern).split("/");
  const bits = { 4: 32, 6: 128 }[isIP(address)];
  if (bits === undefined) return true;
  const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
  return isPrefix && more.length === 0 && !address.includes("%");
}

/** @param given host names, `*.suffix` patterns, addresses and CIDR ranges. @throws RangeError for a prefix that cannot be */
export function createHostPatterns(given: readonly string[]): HostPatterns {
  const patterns = given.map(withoutBrackets);
  const isAddress = (pattern: string) => isIP(pattern.split("/")[0] ?? "") !== 0;
  const names = patterns.filter((pattern) => !isAddress(pattern)).map(normaliseHostName);
  const addresses = patterns.filter(isAddress);
  const matches = createAddressList(addresses);
  return {
    matchesName(hostName) {
      const host = normaliseHostName(hostName);
      return names.some((name) => (name.startsWith("*.") ? host.endsWith(name.slice(1)) : host === name));
    },
    matchesAddress: (address) => matches(address) || leadsTo(address).some(matches),
    hasAddresses: addresses.length > 0,
  };
}

function createAddressList(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", prefix] = range.split("/");
    const family = isIP(network) === 6 ? "ipv6" : "ipv4";
    if (prefix === undefined) list.addAddress(network, family);
    else list.addSubnet(network, Number(prefix), family);
  }
  return (address) => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 6 ? "ipv6" : "ipv4");
  };
}

/** Mapped addresses match rules of IPv4 as well, but these have none. */
function createIpv6List(range: string): (address: string) => boolean {
  const matches = createAddressList([range]);
  return (address) => isIP(address) === 6 && matches(address);
}

/** A name with the root's dot is the same name. */
function normaliseHostName(hostName: string): string {
  return hostName.toLowerCase().replace(/\.$/, "");
}

function withoutBrackets(pattern: string): string {
  return pattern.replace(/^\[(.*)\]$/, "$1");
}

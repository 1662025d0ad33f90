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

/** Each family has its own lists, since a rule for mapped addresses would match all of IPv4. */
const notPublicIpv4 = createAddressList(NOT_PUBLIC_IPV4);
const globalIpv6 = createAddressList(GLOBAL_IPV6);
const notPublicIpv6 = createAddressList(NOT_PUBLIC_IPV6);

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
  matchesAddress(address: string): boolean;
}

/** @param patterns host names, `*.suffix` patterns, addresses and CIDR ranges. @throws RangeError for a prefix that cannot be */
export function createHostPatterns(patterns: readonly string[]): HostPatterns {
  const isAddress = (pattern: string) => isIP(pattern.split("/")[0] ?? "") !== 0;
  const names = patterns.filter((pattern) => !isAddress(pattern)).map(normaliseHostName);
  const matchesAddress = createAddressList(patterns.filter(isAddress));
  return {
    matchesName(hostName) {
      const host = normaliseHostName(hostName);
      return names.some((name) => (name.startsWith("*.") ? host.endsWith(name.slice(1)) : host === name));
    },
    matchesAddress,
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

/** A name with the root's dot is the same name. */
function normaliseHostName(hostName: string): string {
  return hostName.toLowerCase().replace(/\.$/, "");
}

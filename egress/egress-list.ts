import { isIP } from "node:net";
import { createHostPatterns, isForbiddenAddress } from "./addresses.ts";

/** Which hosts an operator names, and at which of their ports. */
export interface EgressList {
  matches(host: string, address: string, port: number): boolean;
  /** Without an address yet: could `host` match, once it has one? */
  couldMatch(host: string, port: number): boolean;
}

/**
 * @param entries host names, `*.suffix` patterns, addresses and CIDR ranges, for one port (`host:port`, `[address]:port`) or for all
 * @throws RangeError naming the entry that is none
 */
export function createEgressList(entries: readonly string[]): EgressList {
  const rules = entries.map((entry) => {
    const rule = parseEntry(entry);
    const fault = findFault(entry);
    if (rule === null || fault !== null) throw new RangeError(`${entry} ${fault}`);
    return { hosts: createHostPatterns([rule.pattern]), port: rule.port };
  });
  return {
    couldMatch: (host, port) =>
      rules.some(
        ({ hosts, port: only }) => (only === null || only === port) && (hosts.hasAddresses || hosts.matchesName(host)),
      ),
    matches: (host, address, port) =>
      rules.some(
        ({ hosts, port: only }) =>
          (only === null || only === port) && (hosts.matchesName(host) || hosts.matchesAddress(address)),
      ),
  };
}

/** What is wrong with an entry, without its value; null for nothing. */
export function findFault(entry: string): string | null {
  const rule = parseEntry(entry);
  if (rule === null) return FAULT;
  const [address = "", prefix] = rule.pattern.split("/");
  // A range that merely includes some is fine: these are refused all the same.
  const isWithin = isIP(address) !== 0 && Number(prefix ?? 128) >= 8 && isForbiddenAddress(address);
  return isWithin && !(prefix !== undefined && address === "::") ? FORBIDDEN : null;
}

const FORBIDDEN = "is a link-local, metadata, multicast or unspecified address, which no setting opens";

const FAULT =
  "is neither a host name, *.suffix, address nor CIDR range, with :port behind it where it is for one port only";

const LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
/** As a URL has it: in ASCII, and with letters at its end, since it would be an address otherwise. */
const HOST_NAME = new RegExp(`^(?:\\*\\.)?(?:${LABEL}\\.)*(?!\\d+\\.?$|0x[\\da-f]*\\.?$)${LABEL}\\.?$`, "i");

function parseEntry(entry: string): { pattern: string; port: number | null } | null {
  if (isAddressOrRange(entry)) return { pattern: entry, port: null };
  const [, bracketed, plain, digits] = /^(?:\[(.+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(entry) ?? [];
  const pattern = bracketed ?? plain ?? "";
  const isHost = bracketed === undefined && HOST_NAME.test(pattern);
  const port = digits === undefined ? null : Number(digits);
  if (!(isHost || isAddressOrRange(pattern)) || port === 0 || (port ?? 0) > 65_535) return null;
  return { pattern, port };
}

function isAddressOrRange(text: string): boolean {
  const [address = "", prefix, ...more] = text.split("/");
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
  return bits > 0 && !address.includes("%") && more.length === 0 && isPrefix;
}

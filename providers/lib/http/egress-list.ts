import { isIP } from "node:net";
import { z } from "zod";
import { createHostPatterns } from "./addresses.ts";

/** Which hosts an operator names, and at which of their ports. */
export interface EgressList {
  matches(host: string, address: string, port: number): boolean;
}

/**
 * @param entries host names, `*.suffix` patterns, addresses and CIDR ranges, for one port (`host:port`, `[address]:port`) or for all
 * @throws RangeError naming the entry that is none
 */
export function createEgressList(entries: readonly string[]): EgressList {
  const rules = entries.map((entry) => {
    const rule = parseEntry(entry);
    if (rule === null) throw new RangeError(`${entry} ${FAULT}`);
    return { hosts: createHostPatterns([rule.pattern]), port: rule.port };
  });
  return {
    matches: (host, address, port) =>
      rules.some(
        ({ hosts, port: only }) =>
          (only === null || only === port) && (hosts.matchesName(host) || hosts.matchesAddress(address)),
      ),
  };
}

/** A variable with such entries, separated by commas. What is wrong is told by its position, without the value. */
export function egressEntries() {
  return z.string().transform((text, context) => {
    const entries = text.split(",").map((entry) => entry.trim());
    for (const [index, entry] of entries.entries()) {
      if (parseEntry(entry) === null) context.addIssue({ code: "custom", message: `entry ${index + 1} ${FAULT}` });
    }
    return entries;
  });
}

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

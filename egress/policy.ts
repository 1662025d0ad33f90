import { lookup as resolveBySystem } from "node:dns/promises";
import { isIP } from "node:net";
import { isForbiddenAddress, isPublicAddress } from "./addresses.ts";
import { createEgressList } from "./egress-list.ts";

/** Where a deployment lets its connectors go, whatever their protocol. */
export interface EgressPolicy {
  /**
   * Host names, `*.suffix` patterns, addresses and CIDR ranges that may be reached although they are not public; each for one
   * port (`host:port`) or for all.
   */
  allowPrivate: readonly string[];
  /** When given, connectors reach nothing else, in the same notation. */
  allowOnly: readonly string[] | null;
  /** All addresses of a host name; absent: the system's resolver. */
  resolve?: Resolve | undefined;
}

export type Resolve = (hostName: string) => Promise<string[]>;

/** A host name, or an address without brackets. */
export interface Target {
  host: string;
  port: number;
}

/** `named`: the operator has named it as private. */
export type Standing = "named" | "public" | "private";

/** Names the host, never what it resolves to. */
export class AddressRefusedError extends Error {
  override readonly name = "AddressRefusedError";
  /** What to do about it; whole sentences. */
  readonly fix: string;
  constructor(what: string, fix: string) {
    super(what);
    this.fix = fix;
  }
}

export interface EgressRules {
  /**
   * The rules that hold for all connectors; what else it takes is the connector's to ask of the standing.
   * @throws AddressRefusedError
   */
  judge(target: Target, address: string): Standing;
  /**
   * All addresses of the target, each of them judged: what is connected to is one of these, and nothing is resolved again. A name that no
   * address could open is not even looked up.
   * @param admit throws where the connector wants more of an address
   * @throws AddressRefusedError; what the resolver throws
   */
  resolve(target: Target, admit: (standing: Standing) => void): Promise<string[]>;
}

/** They belong to the metadata service of Google's cloud, wherever they lead. */
const METADATA_NAMES = /^metadata\.(google\.internal|goog)\.?$/i;

export function createEgressRules(policy: EgressPolicy): EgressRules {
  const resolve = policy.resolve ?? resolveAll;
  const allowPrivate = createEgressList(policy.allowPrivate);
  const allowOnly = policy.allowOnly === null ? null : createEgressList(policy.allowOnly);

  function judge({ host, port }: Target, address: string): Standing {
    if (isForbiddenAddress(address)) throw forbidden(host);
    if (allowOnly && !allowOnly.matches(host, address, port)) throw notListed(host, port);
    if (allowPrivate.matches(host, address, port)) return "named";
    return isPublicAddress(address) ? "public" : "private";
  }

  return {
    judge,
    async resolve(target, admit) {
      const { host, port } = target;
      if (METADATA_NAMES.test(host)) throw forbidden(host);
      if (isIP(host) === 0 && allowOnly && !allowOnly.couldMatch(host, port)) throw notListed(host, port);
      const addresses = isIP(host) === 0 ? (await resolve(host)).map(withoutZone) : [withoutZone(host)];
      if (addresses.length === 0) throw Object.assign(new Error(`${host} has no address`), { code: "ENOTFOUND" });
      for (const address of addresses) admit(judge(target, address));
      return addresses;
    },
  };
}

/** For connectors that reach public addresses alone, unless the operator names others. */
export function notPublic(host: string): AddressRefusedError {
  return new AddressRefusedError(
    `${host} has an address that is not public`,
    "Use a public address, or have an operator add this one to SLUICE_EGRESS_ALLOW_PRIVATE.",
  );
}

function notListed(host: string, port: number): AddressRefusedError {
  return new AddressRefusedError(
    `${host} is not among the hosts that this deployment lets connectors reach at port ${port}`,
    "Use a host that it allows, or have an operator add this one to SLUICE_EGRESS_ALLOW_ONLY.",
  );
}

function forbidden(host: string): AddressRefusedError {
  return new AddressRefusedError(
    `${host} has an address that no connector may reach: link-local, metadata, multicast or unspecified`,
    "Use another address: no setting opens this one.",
  );
}

async function resolveAll(hostName: string): Promise<string[]> {
  const found = await resolveBySystem(hostName, { all: true });
  return found.map(({ address }) => address);
}

/** `fe80::1%eth0` is an address and its zone. */
function withoutZone(address: string): string {
  return address.split("%")[0] ?? address;
}

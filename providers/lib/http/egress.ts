import { lookup as resolveBySystem } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import type { EgressPolicy } from "../../provider.ts";
import { createHostPatterns, isPublicAddress } from "./addresses.ts";

/** Where requests may go. Between the check of an address and its use nothing is resolved again. */
export interface EgressGuard {
  /** Before each request and each hop: scheme, user info, and an address in place of a name, which is never looked up. */
  check(url: URL): void;
  /** Resolves a name, checks all its addresses, and gives these to the socket. */
  lookup(protocol: string): LookupFunction;
}

export interface EgressGuardOptions {
  policy: EgressPolicy;
  /** All addresses of a host name; the system's resolver. */
  resolve?: ((hostName: string) => Promise<string[]>) | undefined;
}

/** Names the host, never what it resolves to. */
export class AddressRefusedError extends Error {
  override readonly name = "AddressRefusedError";
}

export function createEgressGuard({ policy, resolve = resolveAll }: EgressGuardOptions): EgressGuard {
  const allowPrivate = createHostPatterns(policy.allowPrivate);
  const allowOnly = policy.allowOnly === null ? null : createHostPatterns(policy.allowOnly);

  function checkAddress(protocol: string, host: string, address: string): void {
    if (allowOnly && !allowOnly.matchesName(host) && !allowOnly.matchesAddress(address)) {
      throw new AddressRefusedError(`${host} is not among the hosts that this deployment lets connectors reach`);
    }
    if (allowPrivate.matchesName(host) || allowPrivate.matchesAddress(address)) return;
    if (!isPublicAddress(address)) throw new AddressRefusedError(`${host} has an address that is not public`);
    if (protocol !== "https:") throw new AddressRefusedError(`${host} must be asked over https`);
  }

  async function resolveChecked(protocol: string, host: string): Promise<string[]> {
    const addresses = (await resolve(host)).map(withoutZone);
    if (addresses.length === 0) throw Object.assign(new Error(`${host} has no address`), { code: "ENOTFOUND" });
    for (const address of addresses) checkAddress(protocol, host, address);
    return addresses;
  }

  return {
    check(url) {
      if (url.protocol !== "https:" && url.protocol !== "http:") {
        throw new AddressRefusedError(`${url.protocol} is neither https nor http`);
      }
      if (url.username !== "" || url.password !== "") {
        throw new AddressRefusedError(`${url.hostname} is given with a user or password`);
      }
      const host = url.hostname.replace(/^\[|\]$/g, "");
      if (isIP(host) !== 0) checkAddress(url.protocol, host, host);
    },
    lookup: (protocol) => (host, options, done) => {
      resolveChecked(protocol, host).then(
        (addresses) => {
          const found = addresses.map((address) => ({ address, family: isIP(address) }));
          const [first] = found;
          if (options.all || first === undefined) done(null, found);
          else done(null, first.address, first.family);
        },
        (error: NodeJS.ErrnoException) => done(error, []),
      );
    },
  };
}

async function resolveAll(hostName: string): Promise<string[]> {
  const found = await resolveBySystem(hostName, { all: true });
  return found.map(({ address }) => address);
}

/** `fe80::1%eth0` is an address and its zone. */
function withoutZone(address: string): string {
  return address.split("%")[0] ?? address;
}

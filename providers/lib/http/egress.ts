import { lookup as resolveBySystem } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import type { EgressPolicy } from "../../provider.ts";
import { isPublicAddress } from "./addresses.ts";
import { createEgressList } from "./egress-list.ts";

/** Where requests may go. Between the check of an address and its use nothing is resolved again. */
export interface EgressGuard {
  /** Before each request and each hop: scheme, user info, and an address in place of a name, which is never looked up. */
  check(url: URL): void;
  /** Resolves a name, checks all its addresses, and gives these to the socket. */
  lookup(door: Door): LookupFunction;
}

/** Of a host, as a URL has them: an empty port is the protocol's own. */
export interface Door {
  protocol: string;
  port: string;
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
  const allowPrivate = createEgressList(policy.allowPrivate);
  const allowOnly = policy.allowOnly === null ? null : createEgressList(policy.allowOnly);

  function checkAddress(door: Door, host: string, address: string): void {
    const port = portOf(door);
    if (allowOnly && !allowOnly.matches(host, address, port)) {
      throw new AddressRefusedError(`${host} is not among the hosts that this deployment lets connectors reach`);
    }
    if (allowPrivate.matches(host, address, port)) return;
    if (!isPublicAddress(address)) throw new AddressRefusedError(`${host} has an address that is not public`);
    if (door.protocol !== "https:") throw new AddressRefusedError(`${host} must be asked over https`);
    // What listens elsewhere is seldom meant for the public, and an operator who names a host vouches for its ports.
    if (allowOnly === null && port !== HTTPS_PORT) {
      throw new AddressRefusedError(`${host} may be asked at port ${HTTPS_PORT} only`);
    }
  }

  async function resolveChecked(door: Door, host: string): Promise<string[]> {
    const addresses = (await resolve(host)).map(withoutZone);
    if (addresses.length === 0) throw Object.assign(new Error(`${host} has no address`), { code: "ENOTFOUND" });
    for (const address of addresses) checkAddress(door, host, address);
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
      if (isIP(host) !== 0) checkAddress(url, host, host);
    },
    lookup: (door) => (host, options, done) => {
      resolveChecked(door, host).then(
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

const HTTPS_PORT = 443;

function portOf({ protocol, port }: Door): number {
  if (port !== "") return Number(port);
  return protocol === "https:" ? HTTPS_PORT : 80;
}

async function resolveAll(hostName: string): Promise<string[]> {
  const found = await resolveBySystem(hostName, { all: true });
  return found.map(({ address }) => address);
}

/** `fe80::1%eth0` is an address and its zone. */
function withoutZone(address: string): string {
  return address.split("%")[0] ?? address;
}

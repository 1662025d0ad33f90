import { isIP, type LookupFunction } from "node:net";
import {
  AddressRefusedError,
  createEgressRules,
  type EgressPolicy,
  notPublic,
  type Resolve,
  type Standing,
  type Target,
} from "../../../egress/policy.ts";

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
  /** In place of the policy's. */
  resolve?: Resolve | undefined;
}

/** The policy of all connectors, and what HTTP adds to it: public addresses, over https, at its port. */
export function createEgressGuard({ policy, resolve }: EgressGuardOptions): EgressGuard {
  const rules = createEgressRules(resolve === undefined ? policy : { ...policy, resolve });

  function admit({ protocol }: Door, { host, port }: Target, standing: Standing): void {
    if (standing === "named") return;
    if (standing === "private") throw notPublic(host);
    if (protocol !== "https:") throw new AddressRefusedError(`${host} must be asked over https`, OPENS);
    // What listens elsewhere is seldom meant for the public, and an operator who names a host vouches for its ports.
    if (policy.allowOnly === null && port !== HTTPS_PORT) {
      throw new AddressRefusedError(`${host} may be asked at port ${HTTPS_PORT} only`, OPENS);
    }
  }

  return {
    check(url) {
      if (url.protocol !== "https:" && url.protocol !== "http:") {
        throw new AddressRefusedError(`${url.protocol} is neither https nor http`, "Use an https URL.");
      }
      if (url.username !== "" || url.password !== "") {
        const fix = "Take them out of the URL: they go in auth and secrets.";
        throw new AddressRefusedError(`${url.hostname} is given with a user or password`, fix);
      }
      const target = { host: url.hostname.replace(/^\[|\]$/g, ""), port: portOf(url) };
      if (isIP(target.host) !== 0) admit(url, target, rules.judge(target, target.host));
    },
    lookup: (door) => (host, options, done) => {
      const target = { host, port: portOf(door) };
      rules
        .resolve(target, (standing) => admit(door, target, standing))
        .then(
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

const OPENS = "Use https at port 443, or have an operator add the host and port to SLUICE_EGRESS_ALLOW_PRIVATE.";
const HTTPS_PORT = 443;

function portOf({ protocol, port }: Door): number {
  if (port !== "") return Number(port);
  return protocol === "https:" ? HTTPS_PORT : 80;
}

import type { ProviderHarness } from "../providers/conformance/harness.ts";
import type { Simulator } from "./simulator.ts";

/**
 * The parts of a harness that every vendor has which the simulator plays.
 * @param options.free paths that the vendor does not count against its limit, such as a login
 */
export function simulatedParts(
  simulator: Simulator,
  { permission, free }: { permission: string; free: readonly string[] },
): Required<Pick<ProviderHarness, "stall" | "throttle" | "tokens" | "budget" | "permission" | "close">> {
  return {
    stall: simulator.stall,
    async throttle() {
      const undo = simulator.throttle();
      return async () => undo();
    },
    tokens: {
      expirePages: () => simulator.suffer("expire_page_tokens"),
      expireAccess: () => simulator.suffer("expire_token"),
    },
    budget: { spent: () => simulator.requests.filter(({ path }) => !free.includes(path)).length },
    permission: {
      name: permission,
      revoke() {
        simulator.suffer({ revoke: permission });
        return () => simulator.suffer({ grant: permission });
      },
    },
    close: simulator.close,
  };
}

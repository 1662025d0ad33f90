import type { FaultKind } from "./faults.ts";
import type { VendorTools } from "./vendor.ts";

type StateTools = Pick<VendorTools, "tokens" | "cursors" | "isAllowed" | "show">;

/** Tokens, permissions and fields as the faults leave them. */
export function createVendorState(): { tools: StateTools; suffer(kind: FaultKind): void } {
  const good = new Set<string>();
  const revoked = new Set<string>();
  const dropped = new Set<string>();
  let issued = 0;
  let epoch = 0;
  return {
    tools: {
      tokens: {
        issue() {
          issued += 1;
          const token = `access-token-${issued}`;
          good.add(token);
          return token;
        },
        isGood: (token) => token !== undefined && good.has(token),
      },
      cursors: {
        make: (state) => Buffer.from(JSON.stringify([epoch, state])).toString("base64url"),
        read(token) {
          const [of, state] = parseOrNull(Buffer.from(token, "base64url").toString()) ?? [];
          return of === epoch ? state : null;
        },
      },
      isAllowed: (permission) => !revoked.has(permission),
      show: (record) => Object.fromEntries(Object.entries(record).filter(([name]) => !dropped.has(name))),
    },
    suffer(kind) {
      if (kind === "expire_token") good.clear();
      else if (kind === "expire_page_tokens" || kind === "expire_cursors") epoch += 1;
      else if (typeof kind !== "object") return;
      else if ("dropField" in kind) dropped.add(kind.dropField);
      else if ("revoke" in kind) revoked.add(kind.revoke);
      else if ("grant" in kind) revoked.delete(kind.grant);
    },
  };
}

function parseOrNull(text: string): unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : null;
  } catch {
    // A token that nobody made.
    return null;
  }
}

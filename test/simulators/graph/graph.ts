import type { Vendor, VendorAnswer, VendorRequest } from "../vendor.ts";
import { refuseToken } from "./access.ts";
import { type Commands, commandsOf } from "./commands.ts";
import type { FeedQuirks } from "./delta.ts";
import { answerDownload } from "./downloads.ts";
import type { GraphState } from "./graph-state.ts";
import { answerLogin } from "./login.ts";
import { LIST_ITEMS } from "./present-lists.ts";
import { answerGraph } from "./routes.ts";
import { fillTenant } from "./seed.ts";
import { FINANCE } from "./tenant.ts";
import { followItems, ITEMS } from "./tree.ts";
import { spend, throttled, unitsOf } from "./units.ts";

export interface GraphOptions {
  roles?: string[];
  quirks?: Partial<FeedQuirks>;
  pageLimit?: number;
  certificate?: string;
  /** Resource units; absent: no limit. */
  unitsPerMinute?: number;
}

export interface SimulatedGraph {
  vendor: Vendor & { commands: Commands };
  state: GraphState;
}

const TOKEN_PATH = /^\/[^/]+\/oauth2\/v2\.0\/token$/;
const RETRY_SECONDS = 2;

/**
 * Microsoft Graph v1.0 as far as sites, document libraries and lists go, with its login, for one tenant and one app. Written from the public
 * documents. What they do not name is refused, so that no client comes to rely on it.
 */
export function createGraph(options: GraphOptions = {}): SimulatedGraph {
  const state: GraphState = {
    access: { roles: options.roles ?? ["Sites.Selected"], grants: new Set([FINANCE.id]) },
    quirks: {
      movingPages: false,
      emptyPages: true,
      duplicates: false,
      catchesUp: false,
      foldersAlone: false,
      ...options.quirks,
    },
    pageLimit: options.pageLimit ?? 40,
    units: { perMinute: options.unitsPerMinute ?? null, spent: 0, minute: 0, refused: 0 },
    download: { epoch: 0, ignoresRange: false },
    ...{ locks: new Set(), goneDrives: new Set(), resyncs: 0, seenAssertions: new Set() },
    certificate: options.certificate ?? null,
  };
  const vendor: SimulatedGraph["vendor"] = {
    name: "graph",
    fill: fillTenant,
    answer(request, tools) {
      if (request.to === "files") return answerDownload(request, tools, state.download);
      if (TOKEN_PATH.test(request.path)) return answerLogin(request, tools, state);
      const { headers, refusal } = spend(state.units, unitsOf(request), Date.now());
      const answer = refusal ?? refuseToken(request, tools) ?? answerGraph({ request, tools, state });
      return { ...answer, headers: { ...headers, ...answer.headers } };
    },
    refuse: (request) => refuse(request),
    changeable: [ITEMS, LIST_ITEMS],
    follow: (change, _, { store }) => followItems(change, store),
    commands: commandsOf(state),
  };
  return { vendor, state };
}

/** The login has its own way. */
function refuse({ path, to }: VendorRequest): VendorAnswer {
  if (to === "files") return { status: 503, headers: { "retry-after": String(RETRY_SECONDS) }, body: "" };
  if (!TOKEN_PATH.test(path)) return throttled(RETRY_SECONDS, {}, path.length % 2 === 0 ? 429 : 503);
  const body = { error: "temporarily_unavailable", error_description: "AADSTS90055: There are too many requests." };
  return { status: 429, headers: { "retry-after": String(RETRY_SECONDS) }, body };
}

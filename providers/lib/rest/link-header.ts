import LinkHeader from "http-link-header";
import { TerminalError } from "../../../core/errors.ts";
import type { ProviderKey } from "../../../core/vocabulary.ts";
import { WRITERS_FIXES } from "../writers-fixes.ts";

/**
 * Target of the first link with the relation in a Link header (RFC 8288); null where there is none.
 * @throws TerminalError source_response_invalid for a header that is none
 */
export function linkTo(provider: ProviderKey, header: string | null, relation: string): string | null {
  if (header === null) return null;
  try {
    const wanted = relation.toLowerCase();
    return LinkHeader.parse(header).refs.find(({ rel = "" }) => relationsIn(rel).includes(wanted))?.uri ?? null;
  } catch (cause) {
    throw new TerminalError("source_response_invalid", `${provider}: the Link header cannot be read.`, {
      fix: WRITERS_FIXES.link.written,
      cause,
    });
  }
}

/** Some quote them as no standard does. */
function relationsIn(rel: string): string[] {
  return rel.toLowerCase().replaceAll("'", "").trim().split(/\s+/);
}

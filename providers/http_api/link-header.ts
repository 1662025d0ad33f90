import LinkHeader from "http-link-header";
import { TerminalError } from "../../core/errors.ts";

/**
 * Target of the first link with the relation in a Link header (RFC 8288); null where there is none.
 * @throws TerminalError source_response_invalid for a header that is none
 */
export function linkTo(header: string | null, relation: string): string | null {
  if (header === null) return null;
  try {
    return LinkHeader.parse(header).rel(relation)[0]?.uri ?? null;
  } catch (cause) {
    const message = "http_api: the Link header cannot be read. Use another paginator for the resource.";
    throw new TerminalError("source_response_invalid", message, { cause });
  }
}

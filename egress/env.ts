import { z } from "zod";
import { findFault } from "./egress-list.ts";

/** A variable with entries of an egress list, separated by commas. What is wrong is told by its position, without the value. */
export function egressEntries() {
  return z.string().transform((text, context) => {
    const entries = text.split(",").map((entry) => entry.trim());
    for (const [index, entry] of entries.entries()) {
      const fault = findFault(entry);
      if (fault !== null) context.addIssue({ code: "custom", message: `entry ${index + 1} ${fault}` });
    }
    return entries;
  });
}

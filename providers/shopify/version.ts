/** The version that the shop answered with, where nobody asked for it: it has other fields. Null: it is the one. https://shopify.dev/docs/api/usage/versioning */
export function otherVersion(asked: string, answered: string | null): { message: string; fix: string } | null {
  if (answered === null || answered === asked) return null;
  return {
    message: `The shop answers version ${answered} of the API, and ${asked} was asked for: it is not supported, or not any more.`,
    fix: `Set apiVersion of the connection to ${answered}, or upgrade Sluice.`,
  };
}

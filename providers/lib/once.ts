/** Found once and kept; asked again where it failed. */
export function once<T>(find: () => Promise<T>): () => Promise<T> {
  let finding: Promise<T> | null = null;
  return () => {
    finding ??= find().catch((error: unknown) => {
      finding = null;
      throw error;
    });
    return finding;
  };
}

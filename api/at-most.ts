/** What `work` gives, or `otherwise` once the time is over. The work goes on; nobody waits for it any more. */
export async function atMost<T, U>(milliseconds: number, work: Promise<T>, otherwise: U): Promise<T | U> {
  const { promise: patience, resolve } = Promise.withResolvers<U>();
  const timer = setTimeout(() => resolve(otherwise), milliseconds);
  try {
    return await Promise.race([work, patience]);
  } finally {
    clearTimeout(timer);
  }
}

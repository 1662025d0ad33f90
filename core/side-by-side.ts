/**
 * The results of `work` in the order of the items, of which at most `width` are at work at once.
 * @throws the first error, once what had begun is over; nothing more is begun then
 */
export async function mapSideBySide<Item, Result>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Map<number, Result>();
  const errors: unknown[] = [];
  const left = items.entries();
  const runLane = async (): Promise<void> => {
    for (const [index, item] of left) {
      if (errors.length > 0) return;
      try {
        results.set(index, await work(item));
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, runLane));
  if (errors.length > 0) throw errors[0];
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
}

/**
 * Turns many single questions into few joint ones: while one is being asked, those that come wait and are asked together afterwards.
 * @param ask about all keys at once; an error is every asker's
 * @returns asks about one key; undefined where the answer does not hold it
 */
export function askTogether<Answer>(
  ask: (keys: string[]) => Promise<ReadonlyMap<string, Answer>>,
): (key: string) => Promise<Answer | undefined> {
  let next: { keys: Set<string>; answers: Promise<ReadonlyMap<string, Answer>> } | null = null;
  let before: Promise<unknown> = Promise.resolve();

  function open(): NonNullable<typeof next> {
    const keys = new Set<string>();
    const answers = before.then(() => {
      next = null;
      return ask([...keys]);
    });
    before = answers.catch(() => undefined);
    return { keys, answers };
  }

  return async (key) => {
    next ??= open();
    next.keys.add(key);
    return (await next.answers).get(key);
  };
}

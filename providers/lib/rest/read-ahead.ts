/**
 * Everything that the readers give, one reader after the other; the first item of up to `depth` of them is already on its way
 * meanwhile. A source with many short listings is then not asked for one at a time.
 */
export async function* readAhead<T>(
  readers: AsyncIterable<AsyncGenerator<T, void, undefined>>,
  depth: number,
): AsyncGenerator<T, void, undefined> {
  const waiting = readers[Symbol.asyncIterator]();
  const begun: { reader: AsyncGenerator<T, void, undefined>; first: Promise<IteratorResult<T, void>> }[] = [];
  // A failure to find more readers is told after what the present ones give.
  const failures: unknown[] = [];
  for (let exhausted = false; ; ) {
    while (!exhausted && begun.length < depth) {
      const { done, value: reader } = await waiting.next().catch((error: unknown) => {
        failures.push(error);
        return { done: true, value: undefined } as const;
      });
      if (done) exhausted = true;
      else begun.push({ reader, first: settled(reader.next()) });
    }
    const head = begun.shift();
    if (head === undefined) {
      for (const failure of failures) throw failure;
      return;
    }
    for (let item = await head.first; !item.done; item = await head.reader.next()) yield item.value;
  }
}

/**
 * Everything that `read` gives; each next item is on its way while the one before is made use of.
 * @param read looks at `abandoned` between two requests: nobody may want what it reads any more
 * @param mayGoOn false: the item is so large that the next one waits until it has been made use of
 */
export async function* oneAhead<T>(
  read: (abandoned: AbortSignal) => AsyncGenerator<T, void, undefined>,
  mayGoOn: (item: T) => boolean = () => true,
): AsyncGenerator<T, void, undefined> {
  const abandon = new AbortController();
  const items = read(abandon.signal);
  try {
    let item = await items.next();
    while (!item.done) {
      const next = mayGoOn(item.value) ? settled(items.next()) : null;
      yield item.value;
      item = await (next ?? items.next());
    }
  } finally {
    abandon.abort();
    // Not waited for: a request that is in flight may take its time.
    items.return().catch(() => undefined);
  }
}

/** Heard when its turn comes; a read that ends before it has no use for it. */
function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

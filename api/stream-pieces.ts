/** Text that is sent piece by piece, each made when the client has taken the one before. */

/** A client that takes nothing for so long is gone, or keeps others from their answers. */
const STALLED_MS = 60_000;
/** Parts that are shorter are sent together. */
const SMALL_PART_LENGTH = 64 * 1024;

export interface PieceStream {
  /** The first piece, in parts. */
  begun: string[];
  /** Null after the last one. */
  next(): Promise<string[] | null>;
  /** Once, however it ends. */
  onEnd(): void;
  /** Breaks the connection: what has been sent must not look like all of it. @returns whether there was one */
  onFailure(error: unknown): boolean;
}

export function streamPieces({ begun, next, onEnd, onFailure }: PieceStream): ReadableStream<Uint8Array> {
  let parts = begun;
  let isOver = false;
  let stalled: NodeJS.Timeout | undefined;

  function end(): void {
    if (isOver) return;
    isOver = true;
    clearTimeout(stalled);
    onEnd();
  }

  function fail(controller: ReadableStreamDefaultController, error: unknown): void {
    if (isOver) return;
    end();
    // A connection takes the stream with it.
    if (!onFailure(error)) controller.error(error);
  }

  function watch(controller: ReadableStreamDefaultController): void {
    stalled = setTimeout(() => fail(controller, new Error("The client took nothing for a minute.")), STALLED_MS);
  }

  return new ReadableStream<Uint8Array>(
    {
      start: watch,
      async pull(controller) {
        clearTimeout(stalled);
        try {
          while (parts.length === 0) {
            const more = await next();
            // The client may have left meanwhile.
            if (isOver) return;
            if (more === null) {
              end();
              return controller.close();
            }
            parts = more;
          }
          controller.enqueue(Buffer.from(takePart(parts)));
          watch(controller);
        } catch (error) {
          fail(controller, error);
        }
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}

/** A part that is large alone, or small ones together; `parts` has them no longer. */
function takePart(parts: string[]): string {
  let count = 0;
  let length = 0;
  do {
    length += parts[count]?.length ?? 0;
    count++;
  } while (count < parts.length && length + (parts[count]?.length ?? 0) <= SMALL_PART_LENGTH);
  return parts.splice(0, count).join("");
}

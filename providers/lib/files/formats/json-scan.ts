import type { HeldBytes } from "./held-bytes.ts";
import type { JsonRecord } from "./json-reader.ts";
import { FileFault } from "./portion.ts";

/** Yields `more` whenever the next bytes of the text have to come first, and besides what it finds. */
export type Waiting<Result, Found = never> = Generator<"more" | Found, Result, void>;

/** A place in JSON text that goes forward, value by value, and makes none of them. */
export interface JsonScan {
  /** Of the record that is looked for, for errors. */
  row: number;
  /** The next byte that is no space; null at the end. */
  peek(): Waiting<number | null>;
  /** Over the byte that `peek` gave. */
  step(): void;
  /** Over the next value, which may be anything. */
  takeValue(): Waiting<JsonRecord>;
  /** Into an object, up to the value of a member. @returns false where it has none of that name */
  enterMember(name: string): Waiting<boolean>;
  /** Behind the end of an object, from behind the value of the member that was entered. @throws FileFault where it has the member once more */
  leaveObject(entered: string): Waiting<void>;
  fault(what: string): FileFault;
}

const [QUOTE, COMMA, COLON, BACKSLASH] = [0x22, 0x2c, 0x3a, 0x5c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

export function createJsonScan(held: HeldBytes): JsonScan {
  /** The next byte, among those that are held. */
  let at = 0;

  function fault(what: string): FileFault {
    return new FileFault(what, { row: scan.row, offset: held.offset() + at });
  }

  function* peek(): Waiting<number | null> {
    for (;;) {
      const bytes = held.bytes();
      while (at < bytes.length && isSpace(bytes[at] ?? 0)) at += 1;
      if (at < bytes.length) return bytes[at] ?? 0;
      held.letGo(at);
      at = 0;
      if (held.hasAll()) return null;
      yield "more";
    }
  }

  /** @returns the place behind the value that begins at `at`, which stays where it is */
  function* findEnd(): Waiting<number> {
    const first = held.bytes()[at];
    const isScalar = first !== QUOTE && first !== OPEN_LIST && first !== OPEN_OBJECT;
    let [to, depth, inString] = [at, 0, false];
    for (;;) {
      const bytes = held.bytes();
      for (; to < bytes.length; to += 1) {
        const byte = bytes[to];
        if (inString) {
          // What a backslash is before may not have come.
          if (byte === BACKSLASH) to += 1;
          else if (byte === QUOTE) {
            inString = false;
            if (depth === 0) return to + 1;
          }
        } else if (byte === QUOTE) inString = true;
        else if (byte === OPEN_LIST || byte === OPEN_OBJECT) depth += 1;
        else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
          if (isScalar) return to;
          depth -= 1;
          if (depth === 0) return to + 1;
        } else if (isScalar && (byte === COMMA || byte === COLON || isSpace(byte ?? 0))) return to;
      }
      if (held.hasAll()) {
        if (isScalar && !inString) return bytes.length;
        throw fault("ends in the middle of its JSON");
      }
      yield "more";
    }
  }

  function* takeValue(): Waiting<JsonRecord> {
    if ((yield* peek()) === null) throw fault("ends in the middle of its JSON");
    const to = yield* findEnd();
    if (to === at) throw fault("is not JSON");
    const offset = held.offset() + at;
    const bytes = held.bytes().subarray(at, to);
    held.letGo(to);
    at = 0;
    return { bytes, offset, nextOffset: held.offset() };
  }

  function* expect(wanted: number): Waiting<void> {
    const byte = yield* peek();
    if (byte === null) throw fault("ends in the middle of its JSON");
    if (byte !== wanted) throw fault("is not JSON");
    at += 1;
  }

  /** Over `"name":`. */
  function* takeName(): Waiting<string> {
    if ((yield* peek()) !== QUOTE) throw fault("is not JSON");
    const { bytes } = yield* takeValue();
    const name = nameOf(bytes);
    if (name === null) throw fault("is not JSON");
    yield* expect(COLON);
    return name;
  }

  const scan: JsonScan = {
    row: 0,
    ...{ peek, takeValue, fault },
    step() {
      at += 1;
    },
    *enterMember(name) {
      if ((yield* peek()) !== OPEN_OBJECT) return false;
      at += 1;
      if ((yield* peek()) === CLOSE_OBJECT) return false;
      for (;;) {
        if ((yield* takeName()) === name) return true;
        yield* takeValue();
        if ((yield* peek()) === CLOSE_OBJECT) return false;
        yield* expect(COMMA);
      }
    },
    *leaveObject(entered) {
      while ((yield* peek()) === COMMA) {
        at += 1;
        if ((yield* takeName()) === entered) throw fault(`has the member ${entered} of recordPath twice`);
        yield* takeValue();
      }
      yield* expect(CLOSE_OBJECT);
    },
  };
  return scan;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Null for what is no JSON string. */
function nameOf(text: Buffer): string | null {
  try {
    const name: unknown = JSON.parse(text.toString("utf8"));
    return typeof name === "string" ? name : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

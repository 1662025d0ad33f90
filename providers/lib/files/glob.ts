/**
 * Which paths a pattern means. `*` and `?` stand for characters of a name, `**` as a whole segment for any folders, `[a-z]` and `[!a-z]` for one
 * character, `{a,b}` for alternatives, and `\` before a sign for the sign itself. A pattern costs at most its length times that of the path,
 * whatever it is: it is no regular expression.
 */
export interface Glob {
  matches(path: string): boolean;
  /** What every path begins with that can match. */
  prefix: string;
}

/** Of the alternatives of all braces together. */
const MOST_ALTERNATIVES = 256;

type Token =
  | { kind: "text"; text: string }
  | { kind: "any" }
  | { kind: "one" }
  | { kind: "set"; test: (character: string) => boolean };

/** Null: any folders. */
type Segment = Token[] | null;

/** Is it a name that the segment means? Null: any folders. */
type NameTest = ((name: string) => boolean) | null;

/** @throws RangeError where the braces have too many alternatives, SyntaxError where a bracket is not closed */
export function compileGlob(pattern: string): Glob {
  const patterns = expandBraces(pattern).map(compilePath);
  const tests = patterns.map((segments) => segments.map((segment) => segment && testOf(segment)));
  // Files of one folder follow each other in a listing.
  let [folder, names] = ["", [""]];
  return {
    matches(path) {
      const nameFrom = path.lastIndexOf("/") + 1;
      if (nameFrom === folder.length && path.startsWith(folder)) names[names.length - 1] = path.slice(nameFrom);
      else [folder, names] = [path.slice(0, nameFrom), path.split("/")];
      for (const each of tests) if (matchSegments(each, names)) return true;
      return false;
    },
    prefix: commonPrefix(patterns.map(literalStart)),
  };
}

function expandBraces(pattern: string): string[] {
  const open = findOpen(pattern);
  if (open === -1) return [pattern];
  const { close, commas } = findClose(pattern, open);
  const cuts = [open, ...commas, close];
  const rests = expandBraces(pattern.slice(close + 1));
  const found = cuts.slice(1).flatMap((to, index) => {
    const inner = expandBraces(pattern.slice((cuts[index] ?? 0) + 1, to));
    return inner.flatMap((each) => rests.map((rest) => pattern.slice(0, open) + each + rest));
  });
  if (found.length > MOST_ALTERNATIVES) {
    throw new RangeError(`The braces of the pattern have more than ${MOST_ALTERNATIVES} alternatives.`);
  }
  return found;
}

function findOpen(pattern: string): number {
  for (let at = 0; at < pattern.length; at += 1) {
    if (pattern[at] === "\\") at += 1;
    else if (pattern[at] === "[") at = endOfSet(pattern, at);
    else if (pattern[at] === "{") return at;
  }
  return -1;
}

function findClose(pattern: string, open: number): { close: number; commas: number[] } {
  const commas: number[] = [];
  let depth = 0;
  for (let at = open; at < pattern.length; at += 1) {
    const character = pattern[at];
    if (character === "\\") at += 1;
    else if (character === "[") at = endOfSet(pattern, at);
    else if (character === "{") depth += 1;
    else if (character === "," && depth === 1) commas.push(at);
    else if (character === "}") {
      depth -= 1;
      if (depth === 0) return { close: at, commas };
    }
  }
  throw new SyntaxError("A brace of the pattern is not closed.");
}

/** @returns the place of the bracket that closes it; one that is the first of the set is a member */
function endOfSet(pattern: string, open: number): number {
  const first = pattern[open + 1] === "!" || pattern[open + 1] === "^" ? open + 2 : open + 1;
  for (let at = first; at < pattern.length; at += 1) {
    if (pattern[at] === "\\") at += 1;
    else if (pattern[at] === "]" && at > first) return at;
  }
  throw new SyntaxError("A bracket of the pattern is not closed.");
}

/** A `**` at the end means the files in the folders, not what has the folder's name. */
function compilePath(pattern: string): Segment[] {
  const segments = pattern.split("/").map(compileSegment);
  return segments.at(-1) === null ? [...segments, [{ kind: "any" }]] : segments;
}

function compileSegment(segment: string): Segment {
  if (segment === "**") return null;
  const tokens: Token[] = [];
  let text = "";
  const flush = (): void => {
    if (text !== "") tokens.push({ kind: "text", text });
    text = "";
  };
  for (let at = 0; at < segment.length; at += 1) {
    const character = segment[at] ?? "";
    if (character === "*") {
      flush();
      if (tokens.at(-1)?.kind !== "any") tokens.push({ kind: "any" });
    } else if (character === "?") {
      flush();
      tokens.push({ kind: "one" });
    } else if (character === "[") {
      flush();
      const close = endOfSet(segment, at);
      tokens.push({ kind: "set", test: compileSet(segment.slice(at + 1, close)) });
      at = close;
    } else if (character === "\\" && at + 1 < segment.length) {
      at += 1;
      text += segment[at] ?? "";
    } else text += character;
  }
  flush();
  return tokens;
}

function compileSet(members: string): (character: string) => boolean {
  const isNegative = members.startsWith("!") || members.startsWith("^");
  const characters = [...members.slice(isNegative ? 1 : 0)];
  const ranges: [from: string, to: string][] = [];
  for (let i = 0; i < characters.length; i += 1) {
    if (characters[i] === "\\" && i + 1 < characters.length) i += 1;
    const from = characters[i] ?? "";
    const isRange = characters[i + 1] === "-" && i + 2 < characters.length;
    ranges.push([from, isRange ? (characters[i + 2] ?? "") : from]);
    if (isRange) i += 2;
  }
  return (character) => ranges.some(([from, to]) => character >= from && character <= to) !== isNegative;
}

/** The usual ones, such as `*.csv`, without going from character to character: a listing has millions of names. */
function testOf(tokens: readonly Token[]): (name: string) => boolean {
  const wildcard = tokens.findIndex(({ kind }) => kind === "any");
  const texts = tokens.filter((token) => token.kind === "text");
  const isUsual = texts.length + (wildcard === -1 ? 0 : 1) === tokens.length && texts.length <= 2;
  if (!isUsual) return (name) => matchTokens(tokens, name);
  const first = wildcard === 0 ? "" : (texts[0]?.text ?? "");
  if (wildcard === -1) return (name) => name === first;
  const last = wildcard === tokens.length - 1 ? "" : (texts.at(-1)?.text ?? "");
  return (name) => name.length >= first.length + last.length && name.endsWith(last) && name.startsWith(first);
}

/** To the last `**` alone it is ever gone back: what it stands for can only grow. */
function matchSegments(segments: readonly NameTest[], names: readonly string[]): boolean {
  let [at, name] = [0, 0];
  let [backAt, backName] = [-1, 0];
  while (name < names.length) {
    const segment = segments[at];
    if (segment === null) {
      [backAt, backName] = [at, name];
      at += 1;
    } else if (segment?.(names[name] ?? "")) {
      at += 1;
      name += 1;
    } else if (backAt === -1) return false;
    else {
      backName += 1;
      [at, name] = [backAt + 1, backName];
    }
  }
  return segments.slice(at).every((segment) => segment === null);
}

function matchTokens(tokens: readonly Token[], text: string): boolean {
  let [at, place] = [0, 0];
  let [backAt, backPlace] = [-1, 0];
  for (;;) {
    const token = tokens[at];
    if (token === undefined && place === text.length) return true;
    if (token?.kind === "any") {
      [backAt, backPlace] = [at, place];
      at += 1;
      continue;
    }
    const length = token === undefined ? -1 : lengthOf(token, text, place);
    if (length !== -1) {
      at += 1;
      place += length;
    } else if (backAt === -1 || backPlace >= text.length) return false;
    else {
      backPlace += widthAt(text, backPlace);
      [at, place] = [backAt + 1, backPlace];
    }
  }
}

/** @returns how much of the text the token takes there; -1 where it does not fit */
function lengthOf(token: Exclude<Token, { kind: "any" }>, text: string, place: number): number {
  if (token.kind === "text") return text.startsWith(token.text, place) ? token.text.length : -1;
  if (place >= text.length) return -1;
  const width = widthAt(text, place);
  return token.kind === "one" || token.test(text.slice(place, place + width)) ? width : -1;
}

/** Of a character, which may be two units of UTF-16. */
function widthAt(text: string, place: number): number {
  return (text.codePointAt(place) ?? 0) > 0xffff ? 2 : 1;
}

function literalStart(segments: readonly Segment[]): string {
  let start = "";
  for (const [index, segment] of segments.entries()) {
    if (index > 0) start += "/";
    if (segment === null) return start;
    for (const token of segment) {
      if (token.kind !== "text") return start;
      start += token.text;
    }
  }
  return start;
}

function commonPrefix(texts: readonly string[]): string {
  const [first = "", ...others] = texts;
  let length = first.length;
  for (const text of others) {
    let same = 0;
    while (same < length && text[same] === first[same]) same += 1;
    length = same;
  }
  // Half a character is none.
  const prefix = first.slice(0, length);
  return prefix.isWellFormed() ? prefix : prefix.slice(0, -1);
}

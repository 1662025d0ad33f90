/**
 * A text as it reads once escapes are undone, with the place of each of its characters in the text as it was given. What a server sends
 * back is often a secret in JSON in HTML in a URL.
 */
export interface Reading {
  text: string;
  /** Of the character at `index`: from where to where it stands in the given text. */
  placeOf(index: number): [from: number, to: number];
}

/** One character of a text that a program has escaped: JSON and most languages, SQL and CSV, shells, HTML, URLs in UTF-8, quoted-printable. */
const BY_BACKSLASH = [
  // A small `u` has four digits.
  String.raw`\\(?-i:U)([\da-f]{8})`,
  String.raw`\\([01][0-7]{2})`,
  String.raw`\\u\{([\da-f]{1,6})\}`,
  String.raw`\\u([\da-f]{4})`,
  String.raw`\\x([\da-f]{2})`,
  String.raw`\\(?!=\r?\n)([^a-z\d\s]|[bfnrt])`,
];
const BY_OTHERS = [
  `(''|"")`,
  String.raw`(=\r?\n)`,
  String.raw`&#x([\da-f]{1,6});?`,
  String.raw`&#(\d{1,7});?`,
  "&([a-z]{2,6});",
  String.raw`((?:%[0-7][\da-f])|(?:%[cd][\da-f]%[89ab][\da-f])|(?:%e[\da-f](?:%[89ab][\da-f]){2})|(?:%f[0-4](?:%[89ab][\da-f]){3}))`,
  String.raw`%u([\da-f]{4})`,
  String.raw`=([2-7][\da-f])`,
];
const ESCAPED = new RegExp([...BY_BACKSLASH, ...BY_OTHERS].join("|"), "gi");
/** Alone: what it protects may look like an escape of another kind, and be none. */
const ESCAPED_BY_BACKSLASH = new RegExp(BY_BACKSLASH.join("|"), "gi");
/** Alone: what stands on its two sides may look like an escape together with it, or only without it. */
const SOFT_BREAK = /=\r?\n/g;

const LETTER_ESCAPES: Record<string, string> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/** Of what is no letter and no digit in ASCII. https://html.spec.whatwg.org/multipage/named-characters.html */
const ENTITIES: Record<string, string> = {
  ...{ quot: '"', amp: "&", apos: "'", lt: "<", gt: ">", excl: "!", num: "#", dollar: "$", percnt: "%", lpar: "(" },
  ...{ rpar: ")", ast: "*", plus: "+", comma: ",", period: ".", sol: "/", colon: ":", semi: ";", equals: "=" },
  ...{ quest: "?", commat: "@", lsqb: "[", lbrack: "[", bsol: "\\", rsqb: "]", rbrack: "]", hat: "^", lowbar: "_" },
  ...{ grave: "`", lcub: "{", lbrace: "{", verbar: "|", vert: "|", rcub: "}", rbrace: "}", nbsp: "\u00a0" },
};

/** Text as deep as this is no accident. */
const MOST_READINGS = 6;

/**
 * The text as it is, then with one more layer of escapes undone each time, until there is none; and the same with backslashes first, and the
 * other kinds once there are none. A text in broken lines is read so, and once more with its lines put together.
 */
export function readingsOf(given: string): Reading[] {
  const asGiven: Reading = { text: given, placeOf: (index) => [index, index + 1] };
  const joined = undoEscapes(asGiven, SOFT_BREAK, () => "");
  return joined === null ? readEscapes(asGiven) : [...readEscapes(asGiven), ...readEscapes(joined)];
}

function readEscapes(asGiven: Reading): Reading[] {
  const readings = [asGiven, ...layersOf(asGiven, ESCAPED)];
  const unprotected = layersOf(asGiven, ESCAPED_BY_BACKSLASH);
  const last = unprotected.at(-1);
  return last === undefined ? readings : [...readings, ...unprotected, ...layersOf(last, ESCAPED)];
}

function layersOf(given: Reading, escaped: RegExp): Reading[] {
  const layers: Reading[] = [];
  for (let next = undoEscapes(given, escaped); next !== null && layers.length < MOST_READINGS; ) {
    layers.push(next);
    next = undoEscapes(next, escaped);
  }
  return layers;
}

/** @returns null where nothing is escaped */
function undoEscapes(before: Reading, escaped: RegExp, read = characterOf): Reading | null {
  const found = [...before.text.matchAll(escaped)].flatMap((match) => {
    const character = read(match);
    return character === null ? [] : [{ character, at: match.index, length: match[0].length }];
  });
  if (found.length === 0) return null;
  let text = "";
  let copied = 0;
  // Of each character, where it began before and how long it was; kept only where it was escaped.
  const shifts: { at: number; from: number; length: number; size: number }[] = [];
  for (const { character, at, length } of found) {
    text += before.text.slice(copied, at);
    shifts.push({ at: text.length, from: at, length, size: character.length });
    text += character;
    copied = at + length;
  }
  text += before.text.slice(copied);
  const spanBefore = (index: number): [number, number] => {
    const shift = shifts[lastUpTo(shifts, index)];
    if (shift === undefined) return [index, index + 1];
    if (index < shift.at + shift.size) return [shift.from, shift.from + shift.length];
    const from = shift.from + shift.length + (index - shift.at - shift.size);
    return [from, from + 1];
  };
  return {
    text,
    placeOf(index) {
      const [from, to] = spanBefore(index);
      return [before.placeOf(from)[0], before.placeOf(to - 1)[1]];
    },
  };
}

/** @returns the last one that begins at `index` or before; -1 for none */
function lastUpTo(shifts: readonly { at: number }[], index: number): number {
  let [low, high] = [0, shifts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((shifts[middle]?.at ?? 0) <= index) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** @returns null where it only looks like an escape */
function characterOf(match: RegExpMatchArray): string | null {
  const [
    ,
    long,
    octal,
    braced,
    unit,
    byte,
    letter,
    doubled,
    softBreak,
    hexEntity,
    entity,
    name,
    percent,
    percentUnit,
    printable,
  ] = match;
  if (softBreak !== undefined) return "";
  if (doubled !== undefined) return doubled.slice(1);
  if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
  if (letter !== undefined) return LETTER_ESCAPES[letter] ?? letter;
  if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? null;
  if (percent !== undefined) return decodePercent(percent);
  const hex = long ?? braced ?? unit ?? byte ?? hexEntity ?? percentUnit ?? printable;
  const code = hex === undefined ? Number(entity) : Number.parseInt(hex, 16);
  return code <= 0x10ffff ? String.fromCodePoint(code) : null;
}

function decodePercent(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}

/** Search syntax of the Admin API: https://shopify.dev/docs/api/usage/search-syntax */

type Comparator = ":" | ":<" | ":>" | ":<=" | ":>=";

export interface Term {
  /** Null for a word that is looked for in all fields. */
  field: string | null;
  comparator: Comparator;
  value: string;
}

type Query = { kind: "term"; term: Term } | { kind: "not"; of: Query } | { kind: "and" | "or"; of: Query[] };

export interface Searched {
  matches(accepts: (term: Term) => boolean): boolean;
  terms: Term[];
}

/**
 * Dates should be quoted. A date and time without quotes is read as a whole all the same, as the API does.
 * @throws Error where brackets do not fit
 */
export function parseSearch(text: string): Searched {
  const tokens = tokensOf(text);
  const terms: Term[] = [];
  let at = 0;

  function readQuery(): Query {
    const either: Query[][] = [[]];
    while (at < tokens.length && tokens[at] !== ")") {
      if (tokens[at] === "AND") at += 1;
      else if (tokens[at] === "OR") {
        at += 1;
        either.push([]);
      } else either.at(-1)?.push(readTerm());
    }
    const all = either.map((of): Query => ({ kind: "and", of }));
    return all.length === 1 && all[0] !== undefined ? all[0] : { kind: "or", of: all };
  }

  function readTerm(): Query {
    const token = tokens[at] ?? "";
    at += 1;
    if (token === "NOT" || token === "-") return { kind: "not", of: readTerm() };
    if (token === "(") {
      const inner = readQuery();
      if (tokens[at] !== ")") throw new Error("a bracket is not closed");
      at += 1;
      return inner;
    }
    const term = termOf(token);
    terms.push(term);
    return { kind: "term", term };
  }

  const query = readQuery();
  if (at < tokens.length) throw new Error("a bracket is closed that was not opened");
  return { terms, matches: (accepts) => holds(query, accepts) };
}

function holds(query: Query, accepts: (term: Term) => boolean): boolean {
  if (query.kind === "term") return accepts(query.term);
  if (query.kind === "not") return !holds(query.of, accepts);
  const each = (of: Query): boolean => holds(of, accepts);
  return query.kind === "and" ? query.of.every(each) : query.of.some(each);
}

/** Words, where a quoted part belongs to its word; brackets and a leading minus stand alone. */
function tokensOf(text: string): string[] {
  return text.match(/[()]|-(?=[^\s])|(?:[^\s()"']|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')+/g) ?? [];
}

function termOf(token: string): Term {
  const [, field, comparator, value] = /^([A-Za-z_][\w.{}]*)(:(?:<=|>=|<|>)?)(.*)$/s.exec(token) ?? [];
  if (field === undefined || comparator === undefined || value === undefined)
    return { field: null, comparator: ":", value: unquoted(token) };
  return { field, comparator: comparator as Comparator, value: unquoted(value) };
}

function unquoted(text: string): string {
  const quote = text[0];
  if (text.length < 2 || (quote !== '"' && quote !== "'") || text.at(-1) !== quote) return text;
  return text.slice(1, -1).replace(/\\(.)/g, "$1");
}

/** @returns null where the value is none of the type */
export function compareBy(type: string, { comparator, value }: Term, found: unknown, now: number): boolean | null {
  if (found === null || found === undefined) return false;
  if (type === "time") {
    const asked = value === "now" ? now : Date.parse(/^\d{4}$/.test(value) ? `${value}-01-01` : value);
    if (Number.isNaN(asked)) return null;
    // To the second, as its times are.
    return compare(comparator, Math.floor(Date.parse(String(found)) / 1_000), Math.floor(asked / 1_000));
  }
  if (type === "id" || type === "float" || type === "integer") {
    const asked = Number(value.split("/").at(-1));
    return Number.isNaN(asked) ? null : compare(comparator, Number(found), asked);
  }
  const text = String(found).toLowerCase();
  return value
    .toLowerCase()
    .split(",")
    .some((each) => text === each || (each.endsWith("*") && text.startsWith(each.slice(0, -1))));
}

function compare(comparator: Comparator, found: number, asked: number): boolean {
  if (comparator === ":") return found === asked;
  if (comparator === ":<") return found < asked;
  if (comparator === ":>") return found > asked;
  return comparator === ":<=" ? found <= asked : found >= asked;
}

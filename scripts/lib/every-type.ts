import { escapeIdentifier, escapeLiteral } from "pg";

/** A table with every type of Postgres that a column can have, and the values that get lost elsewhere. */
export const TYPES_TABLE = "public.every_type";

/** Literals of each type of `pg_catalog`. */
const VALUES: Record<string, string[]> = {
  char: ["a", "", "\\351"],
  aclitem: ["postgres=r/postgres"],
  bit: ["1", "0"],
  bool: ["t", "f"],
  box: ["(1,2),(-3,-4.5)", "(Infinity,NaN),(0,0)"],
  bpchar: ["trailing  ", "", "é日本"],
  bytea: [
    "\\x",
    "\\x00ff0a0d095c",
    `\\x${Buffer.from(Uint8Array.from({ length: 256 }, (_, byte) => byte)).toString("hex")}`,
  ],
  cid: ["0", "4294967295"],
  cidr: ["10.0.0.0/8", "::/0"],
  circle: ["<(1,2),3>", "<(0,0),Infinity>"],
  date: ["4713-01-01 BC", "5874897-12-31", "infinity", "-infinity"],
  datemultirange: ["{}", "{(,2026-01-01),[2026-02-01,infinity)}"],
  daterange: ["empty", "[2026-01-01,)", "(,)"],
  float4: ["3.4028235e38", "1e-45", "-0", "NaN", "Infinity", "-Infinity", "0.1"],
  float8: ["1.7976931348623157e308", "5e-324", "-0", "NaN", "Infinity", "-Infinity", "0.1"],
  inet: ["192.168.0.1/24", "::1", "::ffff:1.2.3.4/128"],
  int2: ["-32768", "32767"],
  int2vector: ["1 2 -3", ""],
  int4: ["-2147483648", "2147483647"],
  int4multirange: ["{}", "{[1,3),[5,)}"],
  int4range: ["empty", "[-2147483648,2147483647)", "(,5)"],
  int8: ["-9223372036854775808", "9223372036854775807"],
  int8multirange: ["{(,0),[1,2)}"],
  int8range: ["[-9223372036854775808,9223372036854775807)"],
  interval: ["1 mon -2 days +03:04:05.678901", "-178000000 years", "-00:00:00.000001", "1 year -1 mon"],
  json: ['{"a" :  1.0,\n "a": 1e400, "b":"\\u0000 \\ud800"}', "null", "  [] "],
  jsonb: [`{"n": [${"9".repeat(1000)}.10, -0.0], "k": "é"}`, "null", '"\\\\N"'],
  jsonpath: ["$.a[*] ? (@.b > 1)", "strict $"],
  line: ["{1,-2,3}"],
  lseg: ["[(1,2),(3,4)]"],
  macaddr: ["08:00:2b:01:02:03"],
  macaddr8: ["08:00:2b:01:02:03:04:05"],
  money: ["-92233720368547758.08", "0.01"],
  name: ["Name", 'with space "quoted"'],
  numeric: [
    `${"1234567890".repeat(100)}.${"0987654321".repeat(100)}`,
    "NaN",
    "Infinity",
    "-Infinity",
    "-0.0",
    "1.500",
    "1e-1000",
  ],
  nummultirange: ["{[1.5,1.5],(2,Infinity)}"],
  numrange: ["(0.00,1e100]", "empty"],
  oid: ["0", "4294967295"],
  oidvector: ["1 4294967295"],
  path: ["[(0,0),(1,1)]", "((0,0),(1,1))"],
  pg_lsn: ["FFFFFFFF/FFFFFFFF", "0/0"],
  pg_snapshot: ["10:20:10,14,15"],
  point: ["(1.5,-0)", "(NaN,Infinity)"],
  polygon: ["((0,0),(1,1),(2,0))"],
  refcursor: ["<unnamed portal 1>"],
  regclass: ["pg_class", "-"],
  regcollation: ['"C"'],
  regconfig: ["english"],
  regdictionary: ["simple"],
  regnamespace: ["pg_catalog"],
  regoper: ["||/"],
  regoperator: ["+(integer,integer)"],
  regproc: ["now"],
  regprocedure: ["abs(integer)"],
  regrole: ["postgres"],
  regtype: ["timestamp with time zone"],
  text: ["", "tab\t nl\n cr\r bs\\ \\N \\. \b\f\v\u0001 \"'", "名前 🚲 é"],
  tid: ["(4294967295,65535)"],
  time: ["00:00", "24:00", "12:34:56.789012"],
  timestamp: ["4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999", "infinity", "-infinity"],
  timestamptz: [
    "4713-01-01 00:00:00+00 BC",
    "294276-12-31 23:59:59.999999+00",
    "infinity",
    "2026-01-01 00:00:00.000001+14",
  ],
  timetz: ["12:34:56.789012-15:59", "24:00:00+00"],
  tsmultirange: ["{[2026-01-01,infinity]}"],
  tsquery: ["'a' & !('b' <-> 'c':*AB)", ""],
  tsrange: ["[-infinity,infinity]", "(,)"],
  tstzmultirange: ["{(,2026-01-01 00:00:00+00)}"],
  tstzrange: ["[2026-01-01 00:00:00+00,)"],
  tsvector: ["'it''s':1A,2 '\\\\':3", ""],
  txid_snapshot: ["10:20:10,14,15"],
  uuid: ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
  varbit: ["", "1011001110001"],
  varchar: ["", "trailing  "],
  xid: ["0", "4294967295"],
  xid8: ["18446744073709551615"],
  xml: ["<?xml version=\"1.0\"?><a b='1'>&amp;<!-- --></a>", "no markup"],
};

/** Those of `VALUES`, with what Postgres knows since. */
function valuesOf(majorVersion: number): [type: string, literals: string[]][] {
  const since17 = { interval: [...(VALUES.interval ?? []), "infinity", "-infinity"] };
  return Object.entries({ ...VALUES, ...(majorVersion >= 17 ? since17 : {}) });
}

/** What people define themselves: each column's type, and its value in the first row. */
const OWN: [name: string, type: string, value: string][] = [
  ["feeling", "mood", "'it''s \"ok\"'"],
  ["feelings", "mood[]", "'[5:6]={sad,NULL}'"],
  ["home", "address", `row('Main "St", 1', null, row('infinity', '{1,2}'))`],
  ["homes", "address[]", `array[row('a,b', '{', null)::address, null]`],
  ["cost", "net_price", "1.5"],
  ["costs", "net_price[]", "'{1.2345,-0.0001}'"],
  ["tags", "tag_list", `'{x,"y,z",NULL}'`],
  ["codes", "char(3)[]", "'{a,\"b  \",NULL}'"],
  ["short_codes", "varchar(5)[]", "'{abc,\"d \"}'"],
  ["precise", "numeric(1000,2)", "'NaN'"],
  ["hundreds", "numeric(5,-2)", "1234500"],
  ["moment", "timestamptz(3)", "'2026-01-01 00:00:00.123+00'"],
  ["caseless", "citext", "'MiXed'"],
  ["pairs", "hstore", `'"a b"=>NULL, c=>"\\"q"'`],
  ["tree", "ltree", "'Top.Science'"],
  ["vector", "cube", "'(1.5,-2),(3,4)'"],
  ["vectors", "cube[]", `array['(1,2)'::cube, null]`],
  ['I "said" Größe 日本', "int", "7"],
  ["select", "text", "'keyword'"],
];

/** Its rows differ in what they hold of each type: the values one by one, then NULL. */
export function createTypesTable(majorVersion: number): string[] {
  const values = valuesOf(majorVersion);
  const columns = values.flatMap(([type]) => [
    `${escapeIdentifier(`v_${type}`)} pg_catalog.${escapeIdentifier(type)}`,
    `${escapeIdentifier(`a_${type}`)} pg_catalog.${escapeIdentifier(type)}[]`,
  ]);
  const rows = Math.max(...values.map(([, literals]) => literals.length));
  return [
    ...["citext", "hstore", "ltree", "cube"].map((name) => `create extension if not exists ${name}`),
    "create type mood as enum ('sad', 'it''s \"ok\"')",
    "create type validity as (until timestamptz, marks int[])",
    "create type address as (street text, zip text, valid validity)",
    "create domain price as numeric(12, 4)",
    "create domain net_price as price check (value is not null)",
    "create domain tag_list as text[]",
    `create table ${TYPES_TABLE} (
       id int primary key, dropped int, ${columns.join(", ")},
       ${OWN.map(([name, type]) => `${escapeIdentifier(name)} ${type}`).join(", ")},
       doubled numeric generated always as (hundreds * 2) stored, counted int generated always as identity
     )`,
    `alter table ${TYPES_TABLE} drop column dropped`,
    ...Array.from({ length: rows }, (_, row) => insertRow(row, values)),
  ];
}

function insertRow(row: number, values: [type: string, literals: string[]][]): string {
  const cells = values.flatMap(([type, literals]) => [literals[row], arrayOf(type, literals)[row]]);
  const own =
    row === 0 ? OWN.map(([, , value]) => value) : OWN.map(([, type]) => (type === "net_price" ? "0" : "null"));
  const names = [...values.flatMap(([type]) => [`v_${type}`, `a_${type}`]), ...OWN.map(([name]) => name)];
  const literals = cells.map((cell) => (cell === undefined ? "null" : escapeLiteral(cell)));
  return `insert into ${TYPES_TABLE} (id, ${names.map(escapeIdentifier).join(", ")}) values (${[row, ...literals, ...own].join(", ")})`;
}

/** In one dimension with NULL, in two, with bounds of its own, without an element. */
function arrayOf(type: string, literals: string[]): string[] {
  const delimiter = type === "box" ? ";" : ",";
  const quoted = literals.map((literal) => `"${literal.replace(/["\\]/g, "\\$&")}"`);
  const [first = "NULL"] = quoted;
  const list = (elements: string[]) => `{${elements.join(delimiter)}}`;
  return [
    list([...quoted, "NULL"]),
    list([list([first, "NULL"]), list(["NULL", first])]),
    `[-1:0]=${list([first, "NULL"])}`,
    "{}",
  ];
}

/** Money's text depends on where it is printed, and XML is printed without its declaration. */
const PRINTED_AS: Record<string, string> = {
  v_money: "::numeric",
  a_money: "::numeric[]",
  v_xml: "::text",
  a_xml: "::text[]",
};

/** Of each row of `table` a JSON array of its cells as Postgres prints them, in the order of the key. */
export function printRows(table: string, columns: readonly string[]): string {
  const cells = columns.map((name) => {
    const column = escapeIdentifier(name);
    const printed = `${column}${PRINTED_AS[name] ?? ""}`;
    return `case when ${column} is null then null else format('%s', ${printed}) end`;
  });
  // A function takes at most 100 arguments, an array any number of elements.
  return `select to_json(array[${cells.join(", ")}]) as cells from ${table} order by id`;
}

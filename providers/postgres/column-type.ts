/** How a column's values travel: the type at the destination, and the cast that makes them of it. */
export interface ColumnType {
  /** Of the column itself, as `format_type` prints it; literals compared with it are cast to this. */
  declared: string;
  /** At the destination. */
  target: string;
  /** Null where the values travel as they are. */
  cast: string | null;
}

export interface CatalogType {
  declared: string;
  /** `declared` with domains resolved. */
  base: string;
  baseName: string;
  /** Null where the type is not one of pg_catalog. */
  builtin: boolean;
  /** Name of the element type of an array. */
  elementName: string | null;
  elementBuiltin: boolean;
}

/** Types that every destination Postgres has, with the same binary form in all supported versions. */
const KEPT = new Set(
  [
    "bool int2 int4 int8 float4 float8 numeric text varchar bpchar bytea bit varbit uuid json jsonb",
    "date time timetz timestamp timestamptz interval inet cidr macaddr macaddr8",
    "point line lseg box path polygon circle tsvector tsquery jsonpath pg_lsn",
    "int4range int8range numrange tsrange tstzrange daterange",
    "int4multirange int8multirange nummultirange tsmultirange tstzmultirange datemultirange",
  ]
    .join(" ")
    .split(" "),
);

/** Lossless counterparts of types that mean nothing outside their own server, or depend on a locale (`money`). */
const REPLACED: Record<string, { target: string; cast: string }> = {
  money: { target: "numeric", cast: "numeric" },
  oid: { target: "bigint", cast: "bigint" },
  xid: { target: "bigint", cast: "text::bigint" },
  cid: { target: "bigint", cast: "text::bigint" },
  xid8: { target: "numeric", cast: "text::numeric" },
};

/** Enums, composites and extension types become text: the destination need not know them. */
export function columnType(type: CatalogType): ColumnType {
  const { declared } = type;
  if (type.elementName !== null) {
    const kept = type.elementBuiltin && KEPT.has(type.elementName);
    return kept ? travelsAs(type.base) : { declared, target: "text[]", cast: "text[]" };
  }
  if (type.builtin && KEPT.has(type.baseName)) return travelsAs(type.base);
  const replaced = type.builtin ? REPLACED[type.baseName] : undefined;
  return { declared, ...(replaced ?? { target: "text", cast: "text" }) };

  function travelsAs(base: string): ColumnType {
    return { declared, target: base, cast: base === declared ? null : base };
  }
}

/** How a column's values travel: the type at the destination, and the cast that makes them of it. */
export interface ColumnType {
  /** Of the column itself, as `format_type` prints it. */
  declared: string;
  /**
   * `declared` with domains resolved: literals that are compared with the column are cast to it. A cast to the domain would check the
   * domain's constraints, which rows from before a NOT VALID constraint need not meet.
   */
  base: string;
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
  /** The base type is one of pg_catalog. */
  builtin: boolean;
  /** Of an array, with domains resolved; null where the base type is no array. */
  element: { base: string; baseName: string; builtin: boolean; isDomain: boolean } | null;
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

/** Enums, composites and extension types become text: the destination need not know them. Arrays follow their elements. */
export function columnType(type: CatalogType): ColumnType {
  const { declared, base, element } = type;
  const { target, cast } = travelOf(element ?? type);
  if (element === null) return { declared, base, target, cast: cast ?? (base === declared ? null : base) };
  const array = cast === null && !element.isDomain ? base : `${target}[]`;
  return { declared, base, target: array, cast: castToArray(cast) ?? (array === declared ? null : array) };
}

function travelOf({ base, baseName, builtin }: Pick<CatalogType, "base" | "baseName" | "builtin">) {
  if (builtin && KEPT.has(baseName)) return { target: base, cast: null };
  return (builtin ? REPLACED[baseName] : undefined) ?? { target: "text", cast: "text" };
}

/** `text::bigint` -> `text[]::bigint[]` */
function castToArray(cast: string | null): string | null {
  return cast === null
    ? null
    : cast
        .split("::")
        .map((type) => `${type}[]`)
        .join("::");
}

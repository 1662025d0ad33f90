import { z } from "zod";

interface SchemaMember {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  description?: string;
  /** Of a field that is one of several objects, told apart by their `type`. */
  oneOf?: ObjectSchema[];
}

interface ObjectSchema {
  properties?: Record<string, SchemaMember>;
  required?: string[];
}

/** The fields of a config, those of its choices (`auth`) below it: field, type, whether it is needed, what counts when it is absent, meaning. */
export function configRows(schema: z.ZodType): string[][] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: "input" }) as ObjectSchema;
  return Object.entries(properties).flatMap(([name, member]) => [
    rowOf(name, member, required.includes(name) ? "yes" : "no"),
    ...(member.oneOf === undefined ? [] : choiceRows(name, member.oneOf)),
  ]);
}

/** First the types that there are, then what each of them wants. */
function choiceRows(field: string, choices: readonly ObjectSchema[]): string[][] {
  const types = choices.flatMap(({ properties }) => properties?.type ?? []);
  const names = new Set(choices.flatMap(({ properties = {} }) => Object.keys(properties)));
  names.delete("type");
  const values = types.map(({ const: value }) => value);
  const meaning = types.map(
    ({ const: value, description = "" }) => `${code(String(value))}: ${lowerFirst(description)}`,
  );
  return [
    rowOf(`${field}.type`, { enum: values, description: meaning.join(" ") }, "yes"),
    ...[...names].map((name) => {
      const having = choices.filter(({ properties }) => properties?.[name] !== undefined);
      const needing = having.filter(({ required = [] }) => required.includes(name));
      const where =
        needing.length > 0 ? `with ${codes(needing.map(typeOf))}` : `no; only with ${codes(having.map(typeOf))}`;
      return rowOf(`${field}.${name}`, having[0]?.properties?.[name] ?? {}, where);
    }),
  ];
}

function rowOf(name: string, member: SchemaMember, needed: string): string[] {
  const { type, enum: values, default: usual, description = "" } = member;
  return [
    code(name),
    values === undefined ? [type ?? "object"].flat().join(" or ") : codes(values.map(String)),
    needed,
    usual === undefined ? "" : code(typeof usual === "string" ? usual : JSON.stringify(usual)),
    description,
  ];
}

function typeOf({ properties }: ObjectSchema): string {
  return String(properties?.type?.const);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

const code = (text: string): string => `\`${text}\``;
const codes = (names: readonly string[]): string => names.map(code).join(", ");

import { ZONE_NAMES } from "./zone-names.ts";

const EXAMPLE = "such as 'Europe/Berlin', or 'UTC'";

/**
 * What is wrong with the name of a time zone, and what to write instead; null: nothing. Temporal's server looks names up as
 * files, so it takes those of the IANA database alone, as they are written there.
 */
export function findZoneFault(name: string): string | null {
  const known = namesByLowerCase().get(name.toLowerCase());
  if (known === name && isKnownToIntl(name)) return null;
  if (known !== undefined && known !== name) return `'${name}' is no time zone: it is written '${known}'`;
  const what = /^[+-]|^(UTC|GMT)[+-]/i.test(name)
    ? "is an offset, which does not follow changes of the clocks"
    : "is no time zone";
  return `'${name.slice(0, 64)}' ${what}: write an IANA name, ${EXAMPLE}`;
}

let names: Map<string, string> | undefined;

/** Made when it is first needed: workflows import this room and never ask. */
function namesByLowerCase(): Map<string, string> {
  if (names !== undefined) return names;
  const old = Object.entries(ZONE_NAMES).flatMap(([area, places]) =>
    places.split(/\s+/).map((place) => (area === "" ? place : `${area}/${place}`)),
  );
  names = new Map([...old, ...Intl.supportedValuesOf("timeZone")].map((name) => [name.toLowerCase(), name]));
  return names;
}

function isKnownToIntl(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

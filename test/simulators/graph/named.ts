import { DRIVES, type DriveFacts, LISTS, type ListFacts, SITES, type SiteFacts } from "./tenant.ts";

/** What commands and tests call by its name. @throws Error where there is none */

export function driveNamed(name: string): DriveFacts {
  return found(DRIVES, (each) => each.name === name, `drive ${name}`);
}

export function listNamed(name: string): ListFacts {
  return found(LISTS, (each) => each.name === name && each.drive === undefined, `list ${name}`);
}

export function siteNamed(name: string): SiteFacts {
  return found(SITES, ({ key }) => key === name, `site ${name}`);
}

function found<T>(from: readonly T[], isIt: (each: T) => boolean, what: string): T {
  const it = from.find(isIt);
  if (it === undefined) throw new Error(`there is no ${what}`);
  return it;
}

/** Which columns of an entity a sync reads: only `columns`, or all but those in `exclude`. Absent: all. */
export interface ColumnChoice {
  columns?: string[] | undefined;
  exclude?: string[] | undefined;
}

/** What a choice came to at the source. */
export interface ChosenColumns {
  /** Columns that the source has and the sync does not read. */
  leftOut: string[];
  /** Names in the choice that the source does not have. */
  unknown: string[];
}

/** @param sourceConfig as stored; the API has checked it */
export function columnChoicesOf(sourceConfig: Record<string, unknown>): Map<string, ColumnChoice> {
  const choices = [...choicesIn(sourceConfig.files), ...choicesIn(sourceConfig.resources)];
  return new Map(choices.filter(([, { columns, exclude }]) => columns !== undefined || exclude !== undefined));
}

/** By entityKey, or a list of what has a name: tables that are made of files. */
function choicesIn(resources: unknown): [entityKey: string, ColumnChoice][] {
  if (typeof resources !== "object" || resources === null) return [];
  if (!Array.isArray(resources)) return Object.entries(resources);
  return resources.map((resource: ColumnChoice & { name: string }) => [resource.name, resource]);
}

/** Where the choice for an entity stands in the sourceConfig. */
export function choicePath(sourceConfig: Record<string, unknown>, entityKey: string): (string | number)[] {
  for (const list of ["resources", "files"]) {
    const resources = sourceConfig[list];
    const at = Array.isArray(resources) ? resources.findIndex(({ name }) => name === entityKey) : -1;
    if (at !== -1) return [list, at];
  }
  return ["resources", entityKey];
}

export function isChosen({ columns, exclude }: ColumnChoice, column: string): boolean {
  return (columns?.includes(column) ?? true) && !exclude?.includes(column);
}

/** @param open the records may have fields that no column shows: any name may be excluded then */
export function chooseColumns(
  choice: ColumnChoice,
  { columns, open }: { columns: readonly string[]; open: boolean },
): ChosenColumns {
  const named = [...(choice.columns ?? []), ...(open ? [] : (choice.exclude ?? []))];
  return {
    leftOut: columns.filter((column) => !isChosen(choice, column)),
    unknown: named.filter((column) => !columns.includes(column)),
  };
}

/** How a message tells people to leave a column out. */
export function excludeOption(entityKey: string): string {
  return `sourceConfig.resources[${JSON.stringify(entityKey)}].exclude`;
}

/** Types without an order of their own: Postgres makes no primary key of them. */
const WITHOUT_ORDER = /^(json|jsonpath|point|line|lseg|box|path|polygon|circle)(\[\])*$/;

/** @param type at the destination, as `format_type` prints it */
export function canBeKey(type: string): boolean {
  return !WITHOUT_ORDER.test(type);
}

/** @param permission in the vendor's words: `tickets:read` */
export function permissionFix(permission: string): string {
  return `Give the credentials the permission ${permission}, then check the connection.`;
}

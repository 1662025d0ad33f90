import { isIP } from "node:net";

/**
 * Characters of a host name or address. None that a URL, a connection string, a list of hosts, a path of a socket or a zone is written
 * with, and none but ASCII: a name in another script is given as `xn--...`.
 */
export const HOST_PATTERN = /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$/;

export const HOST_FAULT =
  "Must be one host name or address and nothing else: no URL, port, path, brackets, list or zone; a name outside ASCII as xn--...";

/**
 * One host name, IPv4 address in four decimal parts, or IPv6 address without brackets. Other spellings of numbers (`2130706433`, `0x7f.1`)
 * would be taken for addresses by the system, and look like names.
 */
export function isHost(text: string): boolean {
  if (!HOST_PATTERN.test(text)) return false;
  if (isIP(text) !== 0) return true;
  const labels = text.split(".");
  const isLabel = (label: string) => /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label);
  return labels.every(isLabel) && !/^(?:\d+|0[xX][0-9A-Fa-f]*)$/.test(labels.at(-1) ?? "");
}

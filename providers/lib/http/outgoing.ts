import type { HostPatterns } from "../../../egress/addresses.ts";
import { mergeHeaders } from "./headers.ts";
import type { HttpRequest } from "./request.ts";
import { isOwnOrAllowed, resolveTarget } from "./target.ts";
import type { Outgoing } from "./transport.ts";

export interface OutgoingOptions {
  baseUrl: string;
  /** Of the connection; not for presigned addresses. */
  headers: Record<string, string>;
  allowedHosts: HostPatterns;
  /** Makes the error for an address that may not be asked. */
  refuse(request: HttpRequest, why: string): Error;
}

const DEFAULT_HEADERS = { accept: "application/json", "user-agent": "sluice" };

/** @returns makes what goes over the wire, but for credentials; `baseUrl`: the one that a login has answered */
export function createOutgoing({ baseUrl, headers, allowedHosts, refuse }: OutgoingOptions) {
  return (request: HttpRequest, answeredBaseUrl?: string | undefined): Outgoing => {
    const { method, presigned = false } = request;
    const body = bodyOf(request);
    const ofBody: Record<string, string> = body === null ? {} : { "content-type": body.contentType };
    const base = answeredBaseUrl ?? baseUrl;
    if (base !== baseUrl && !isOwnOrAllowed(base, baseUrl, allowedHosts)) {
      throw refuse(request, `the login answered the address ${originOf(base)}, which is none of allowedHosts`);
    }
    return {
      method,
      url: presigned
        ? presignedTarget(request, (why) => refuse(request, why))
        : resolveTarget(request, base, allowedHosts, (why) => refuse(request, why)),
      headers: mergeHeaders(DEFAULT_HEADERS, presigned ? {} : headers, ofBody, request.headers ?? {}),
      body: body?.bytes ?? null,
    };
  };
}

function bodyOf({ json, form, raw }: HttpRequest): { contentType: string; bytes: string | Buffer } | null {
  const given = [
    ...(json === undefined ? [] : [{ contentType: "application/json", bytes: JSON.stringify(json) }]),
    ...(form === undefined
      ? []
      : [{ contentType: "application/x-www-form-urlencoded", bytes: new URLSearchParams(form.map(pair)).toString() }]),
    ...(raw === undefined ? [] : [raw]),
  ];
  if (given.length > 1) throw new TypeError("A request has one body at most: json, form or raw.");
  return given[0] ?? null;
}

function pair([name, value]: readonly [string, string]): [string, string] {
  return [name, value];
}

/** As it was signed: nothing is added to it. */
function presignedTarget({ url, query = [] }: HttpRequest, refuse: (why: string) => Error): URL {
  if (!URL.canParse(url)) throw refuse("the presigned address is no URL");
  if (query.length > 0) throw new TypeError("A presigned address takes no parameters: they would break its signature.");
  const target = new URL(url);
  target.hash = "";
  return target;
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : "that is no URL";
}

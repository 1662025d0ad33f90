/** Where Microsoft runs Graph and its logins: https://learn.microsoft.com/graph/deployments */
export const CLOUDS = {
  global: { graph: "https://graph.microsoft.com", login: "https://login.microsoftonline.com" },
  gcc_high: { graph: "https://graph.microsoft.us", login: "https://login.microsoftonline.us" },
  dod: { graph: "https://dod-graph.microsoft.us", login: "https://login.microsoftonline.us" },
  china: { graph: "https://microsoftgraph.chinacloudapi.cn", login: "https://login.chinacloudapi.cn" },
} as const;

export type Cloud = keyof typeof CLOUDS;
export const CLOUD_NAMES = Object.keys(CLOUDS) as [Cloud, ...Cloud[]];

/** Where Entra issues tokens. An address of another host is a proxy's, which sends the login on to the cloud's. */
const ENTRA_HOSTS = new Set(Object.values(CLOUDS).map(({ login }) => new URL(login).host));

/** Hosts of a connection, without a path. */
export function endpointsOf(config: { cloud: Cloud; graphUrl?: string | undefined; loginUrl?: string | undefined }) {
  const { graph, login } = CLOUDS[config.cloud];
  const given = config.loginUrl === undefined ? null : new URL(config.loginUrl);
  return {
    /** Where Entra itself is: a signed login is made for it, also where a proxy stands before it. */
    ownLogin: given !== null && ENTRA_HOSTS.has(given.host) ? given.origin : login,
    /** Graph's own address: its links name it, and tokens are made for it, also where a proxy stands before it. */
    own: graph,
    graph: (config.graphUrl ?? graph).replace(/\/+$/, ""),
    login: (config.loginUrl ?? login).replace(/\/+$/, ""),
  };
}

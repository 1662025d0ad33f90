/** Where Microsoft runs Graph and its logins: https://learn.microsoft.com/graph/deployments */
export const CLOUDS = {
  global: { graph: "https://graph.microsoft.com", login: "https://login.microsoftonline.com" },
  gcc_high: { graph: "https://graph.microsoft.us", login: "https://login.microsoftonline.us" },
  dod: { graph: "https://dod-graph.microsoft.us", login: "https://login.microsoftonline.us" },
  china: { graph: "https://microsoftgraph.chinacloudapi.cn", login: "https://login.chinacloudapi.cn" },
} as const;

export type Cloud = keyof typeof CLOUDS;
export const CLOUD_NAMES = Object.keys(CLOUDS) as [Cloud, ...Cloud[]];

/** Hosts of a connection, without a path. */
export function endpointsOf(config: { cloud: Cloud; graphUrl?: string | undefined; loginUrl?: string | undefined }) {
  const { graph, login } = CLOUDS[config.cloud];
  return {
    /** Graph's own address: its links name it, and tokens are made for it, also where a proxy stands before it. */
    own: graph,
    graph: (config.graphUrl ?? graph).replace(/\/+$/, ""),
    login: (config.loginUrl ?? login).replace(/\/+$/, ""),
  };
}

import { createServer } from "node:net";

const HOST = "127.0.0.1";
const MAX_PORT = 65_535;

/** A port that is free now; the system gives each caller another one. */
export async function freePort(): Promise<number> {
  const port = await tryListen(0);
  if (port === null) throw new Error(`no free port on ${HOST}`);
  return port;
}

export async function isPortFree(port: number): Promise<boolean> {
  return (await tryListen(port)) !== null;
}

export interface PortRequest {
  /** Environment variable that sets it, such as `PORT`. */
  variable: string;
  /** What listens there, for messages. */
  label: string;
  fallback: number;
}

export interface PortContext {
  env: NodeJS.ProcessEnv;
  /** Promised to others that don't listen yet; every chosen port is added. */
  taken: Set<number>;
  log: (line: string) => void;
}

/**
 * The port that `variable` names, which must be free; without one, the first free port from `fallback` on.
 * @throws Error that names the variable, when the port it names is in use or no port at all
 */
export async function choosePort(request: PortRequest, context: PortContext): Promise<number> {
  const { variable, label, fallback } = request;
  const given = context.env[variable];
  if (given !== undefined && given !== "") {
    const port = Number(given);
    if (!/^\d+$/.test(given) || port < 1 || port > MAX_PORT) throw new Error(`${variable}=${given} is not a port`);
    if (context.taken.has(port) || !(await isPortFree(port))) {
      throw new Error(
        `${label} port ${port} (${variable}) is in use: stop what listens there, or set another ${variable}`,
      );
    }
    context.taken.add(port);
    return port;
  }
  for (let port = fallback; port <= MAX_PORT; port++) {
    if (context.taken.has(port) || !(await isPortFree(port))) continue;
    if (port !== fallback) context.log(`${label} port ${fallback} is in use, taking ${port} (${variable} sets it)`);
    context.taken.add(port);
    return port;
  }
  throw new Error(`no free ${label} port from ${fallback} on`);
}

/** Listens and closes at once. Null where somebody else listens. */
function tryListen(port: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(null);
      else reject(error);
    });
    server.listen({ port, host: HOST, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : null));
    });
  });
}

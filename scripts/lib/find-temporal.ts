import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { access, copyFile, mkdir, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Built with the same server as the SDK's download has; the last version whose module builds without replacements. */
const CLI_MODULE = "github.com/temporalio/cli/cmd/temporal@v1.5.1";
const DOWNLOAD_TIMEOUT_MS = 180_000;
const BUILD_TIMEOUT_MS = 20 * 60_000;
const EXECUTABLE = process.platform === "win32" ? "temporal.exe" : "temporal";

export interface FindOptions {
  env: NodeJS.ProcessEnv;
  log: (line: string) => void;
  /** Ends a download or build. */
  signal?: AbortSignal | undefined;
}

/**
 * Temporal's command-line tool: on PATH, in the user's cache, downloaded by the SDK, or built by Go. The last two leave it
 * in the cache.
 * @throws Error that names all five ways to provide a Temporal server
 */
export async function findTemporal(options: FindOptions): Promise<string> {
  const cache = join(cacheDir(options.env), "bin");
  const found =
    (await findOnPath(EXECUTABLE, options.env)) ??
    (await executable(join(cache, EXECUTABLE))) ??
    (await download(cache, options)) ??
    (await build(cache, options));
  if (found !== null) return found;
  options.signal?.throwIfAborted();
  throw new Error(
    [
      "No Temporal server: none of these five worked.",
      "  1. TEMPORAL_ADDRESS is not set (host:port of a running server)",
      `  2. no \`${EXECUTABLE}\` on PATH (https://docs.temporal.io/cli)`,
      `  3. none in the cache (${join(cache, EXECUTABLE)})`,
      "  4. the Temporal SDK could not download one (see above)",
      `  5. \`go install ${CLI_MODULE}\` did not make one (see above)`,
    ].join("\n"),
  );
}

/** Where the operating system wants caches of Sluice to be. */
export function cacheDir(env: NodeJS.ProcessEnv): string {
  const home = env.HOME ?? homedir();
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, "sluice");
  if (process.platform === "darwin") return join(home, "Library", "Caches", "sluice");
  if (process.platform === "win32") return join(env.LOCALAPPDATA ?? join(home, "AppData", "Local"), "sluice");
  return join(home, ".cache", "sluice");
}

async function findOnPath(name: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  for (const dir of (env.PATH ?? "").split(delimiter)) {
    const path = dir === "" ? null : await executable(join(dir, name));
    if (path !== null) return path;
  }
  return null;
}

/** In a process of its own, which can be ended when the network only swallows packets. */
async function download(cache: string, options: FindOptions): Promise<string | null> {
  options.log("temporal: asking the Temporal SDK to download its dev server");
  const dir = join(cache, `download-${process.pid}`);
  await mkdir(dir, { recursive: true });
  try {
    const script = fileURLToPath(new URL("download-temporal.ts", import.meta.url));
    if (!(await succeeds(process.execPath, [script, dir], DOWNLOAD_TIMEOUT_MS, options))) return null;
    const [file] = await readdir(dir);
    return file === undefined ? null : await intoCache(join(dir, file), cache);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function build(cache: string, options: FindOptions): Promise<string | null> {
  const go = await findOnPath(process.platform === "win32" ? "go.exe" : "go", options.env);
  if (go === null) {
    options.log("temporal: no Go to build it with");
    return null;
  }
  options.log(`temporal: building it with \`go install ${CLI_MODULE}\`: once, and it takes several minutes`);
  const dir = join(cache, `build-${process.pid}`);
  try {
    const env = { ...options.env, GOBIN: dir };
    if (!(await succeeds(go, ["install", CLI_MODULE], BUILD_TIMEOUT_MS, { ...options, env }))) return null;
    return await intoCache(join(dir, EXECUTABLE), cache);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** By renaming: another process never finds half a file there. */
async function intoCache(file: string, cache: string): Promise<string> {
  const target = join(cache, EXECUTABLE);
  const partial = `${target}.${process.pid}`;
  await copyFile(file, partial);
  await rename(partial, target);
  return target;
}

function succeeds(command: string, args: string[], timeoutMs: number, options: FindOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      env: options.env,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeoutMs,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    for (const output of [child.stdout, child.stderr]) {
      output.setEncoding("utf8").on("data", (text: string) => {
        for (const line of text.split("\n")) if (line.trim() !== "") options.log(`temporal: ${line}`);
      });
    }
    child.once("error", (error) => {
      options.log(`temporal: ${error.message}`);
      resolve(false);
    });
    child.once("exit", (code) => resolve(code === 0));
  });
}

async function executable(path: string): Promise<string | null> {
  return access(path, constants.X_OK).then(
    () => path,
    () => null,
  );
}

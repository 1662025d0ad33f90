import { spawn } from "node:child_process";
import { access, mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { cacheDir, type FindOptions } from "./find-temporal.ts";

/** What AWS's answers look like, by people who compare them with AWS: https://github.com/getmoto/moto (Apache-2.0). */
const MOTO_VERSION = "5.2.5";
const PACKAGES = [`moto[s3]==${MOTO_VERSION}`, "flask", "flask-cors"];
const INSTALL_TIMEOUT_MS = 10 * 60_000;
const POLL_MS = 500;

/**
 * A Python that has moto: in the user's cache, where it is installed the first time somebody asks.
 * @throws Error that says how to provide it
 */
export async function findMoto(options: FindOptions): Promise<string> {
  const place = join(cacheDir(options.env), `moto-${MOTO_VERSION}`);
  const python = join(place, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  const mark = join(place, "installed");
  const claim = `${place}.installing`;
  for (;;) {
    if (await exists(mark)) return python;
    // One installs, whoever else asks meanwhile waits.
    if (await tryClaim(claim)) break;
    options.signal?.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  try {
    options.log(`moto: installing ${PACKAGES.join(" ")} into ${place}: once`);
    await rm(place, { recursive: true, force: true });
    const isDone =
      (await succeeds("python3", ["-m", "venv", place], options)) &&
      (await succeeds(
        python,
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...PACKAGES],
        options,
      ));
    if (!isDone) throw new Error(HOW);
    await mkdir(mark);
    return python;
  } finally {
    await rm(claim, { recursive: true, force: true });
  }
}

const HOW = `moto could not be installed (see above): it takes python3 with venv and pip, and PyPI or a mirror of it that pip is set up for`;

/** A directory is made by one of many. One that is older than an installation can take was left by somebody who died. */
async function tryClaim(path: string): Promise<boolean> {
  await mkdir(join(path, ".."), { recursive: true });
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  // Gone by now: it has just ended.
  const made = await stat(path).catch(() => null);
  if (made !== null && Date.now() - made.mtimeMs > INSTALL_TIMEOUT_MS) await rm(path, { recursive: true, force: true });
  return false;
}

function succeeds(command: string, args: string[], { env, log, signal }: FindOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      ...{ env, stdio: ["ignore", "pipe", "pipe"], timeout: INSTALL_TIMEOUT_MS },
      ...(signal === undefined ? {} : { signal }),
    });
    for (const output of [child.stdout, child.stderr]) {
      output.setEncoding("utf8").on("data", (text: string) => log(`moto: ${text.trimEnd()}`));
    }
    child.once("error", (error) => {
      log(`moto: ${error.message}`);
      resolve(false);
    });
    child.once("exit", (code) => resolve(code === 0));
  });
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

import { openHome } from "./lib/home.ts";
import { runStack, untilAborted } from "./lib/run-stack.ts";

const home = openHome(process.env);

await runStack(
  { home, env: process.env, log: (source, line) => console.log(`${source.padEnd(8)} | ${line}`) },
  async ({ info }, stopped) => {
    console.log(
      [
        "",
        "  Sluice is up. Ctrl-C stops it; its data stays.",
        "",
        `  API              ${info.apiUrl}`,
        `  API docs         ${info.docsUrl}`,
        `  Temporal Web UI  ${info.temporalUiUrl}`,
        `  everything else  ${home}/dev.json`,
        "",
      ].join("\n"),
    );
    await untilAborted(stopped);
  },
);

import { findMoto } from "./lib/find-moto.ts";

/** Once per machine, so that no test has to wait for it. */
console.log(await findMoto({ env: process.env, log: (line) => console.log(line) }));

module.exports = require("./scripts/lib/import-rules.ts").cruiseConfiguration;

# syntax=docker/dockerfile:1

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image brings its own Node and is Linux: the Node that npm installs and the other systems' binaries are 270 MB.
RUN npm ci --omit=dev \
  && rm -rf node_modules/node-* node_modules/.bin/node \
    node_modules/@temporalio/core-bridge/releases/*-apple-* node_modules/@temporalio/core-bridge/releases/*-windows-*

FROM node:24-slim AS runtime
# The worker's client trusts what the system trusts, and the slim image trusts nobody: Temporal Cloud would be refused.
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json start-worker.ts worker.ts queue-workers.ts temporal-runtime.ts bundle-workflows.ts ./
COPY core ./core
COPY egress ./egress
COPY db ./db
COPY control ./control
COPY workflows ./workflows
COPY activities ./activities
COPY providers ./providers
COPY destinations ./destinations
COPY api ./api
COPY scripts/migrate.ts scripts/health.ts ./scripts/
USER node

FROM runtime AS worker
USER root
RUN node bundle-workflows.ts /app/workflow-bundle.js
USER node
ENV HOST=0.0.0.0 HEALTH_PORT=8081 SLUICE_WORKFLOW_BUNDLE=/app/workflow-bundle.js
EXPOSE 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "scripts/health.ts"]
CMD ["node", "start-worker.ts"]

FROM runtime AS api
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["node", "scripts/health.ts"]
CMD ["node", "api/server.ts"]

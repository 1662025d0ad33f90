# syntax=docker/dockerfile:1

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image brings its own Node and is Linux: the Node that npm installs and the other systems' binaries are 270 MB.
RUN npm ci --omit=dev \
  && rm -rf node_modules/node-* node_modules/.bin/node \
    node_modules/@temporalio/core-bridge/releases/*-apple-* node_modules/@temporalio/core-bridge/releases/*-windows-*

FROM node:24-slim AS runtime
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json worker*.ts ./
COPY core ./core
COPY db ./db
COPY control ./control
COPY workflows ./workflows
COPY activities ./activities
COPY providers ./providers
COPY destinations ./destinations
COPY api ./api
COPY scripts/migrate.ts ./scripts/migrate.ts
USER node

FROM runtime AS worker
CMD ["node", "worker.ts"]

FROM runtime AS api
ENV PORT=8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "api/server.ts"]

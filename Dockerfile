# Node 24 is the long-term release; its npm 11 knows `allowScripts` of package.json, so no install asks anything.
# `test/e2e/image.spec.ts` carries these lines out without an engine: where they change, it has to follow.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build

FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# TypeScript is an optional peer of @nestjs/swagger, and npm installs an optional peer that development needs as well.
# --legacy-peer-deps leaves it out: all peers that run are dependencies of package.json. Not --omit=optional: sharp's
# libraries are optional dependencies, one for each platform.
RUN npm ci --omit=dev --legacy-peer-deps --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
WORKDIR /app
# Owned by root: the process cannot change its own code.
COPY package.json ./
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist

# What must outlive the container: the signing keys, and files that no other store is set up for. A named volume
# takes over this owner when it is first mounted.
RUN install -d -o node -g node -m 700 /var/lib/usher
VOLUME /var/lib/usher
# `node` of the image, as a number: Kubernetes' runAsNonRoot cannot tell who a name is.
USER 1000:1000

ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/var/lib/usher JWT_KEYS_DIR=/var/lib/usher/keys
# glibc keeps what was freed in an arena for each thread. With two arenas a process that has made pictures of forty
# photographs, four at a time, keeps half as much of it.
ENV MALLOC_ARENA_MAX=2
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/health/live').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

# Node itself is process 1, so that SIGTERM reaches the app and it can finish what it has begun.
CMD ["node", "--enable-source-maps", "dist/apps/identity/src/main.js"]

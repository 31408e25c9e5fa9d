# Node 24 is the long-term release; its npm 11 knows `allowScripts` of package.json, so no install asks anything.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build

FROM node:24-bookworm-slim
WORKDIR /app
COPY package.json package-lock.json ./
# The optional dependency is the embedded PostgreSQL; a container is given a real one by DATABASE_URL.
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund && npm cache clean --force
COPY --from=build /app/dist ./dist

# What must outlive the container: the signing keys, and files that no other store is set up for. A named volume
# takes over this owner when it is first mounted.
RUN install -d -o node -g node -m 700 /var/lib/usher
VOLUME /var/lib/usher
USER node

ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/var/lib/usher JWT_KEYS_DIR=/var/lib/usher/keys
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/health/live').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

# Node itself is process 1, so that SIGTERM reaches the app and it can finish what it has begun.
CMD ["node", "--enable-source-maps", "dist/apps/identity/src/main.js"]

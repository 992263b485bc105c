# Temporal's native core needs glibc: no Alpine.
FROM node:20.20.2-bookworm-slim@sha256:2cf067cfed83d5ea958367df9f966191a942351a2df77d6f0193e162b5febfc0 AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:20.20.2-bookworm-slim@sha256:2cf067cfed83d5ea958367df9f966191a942351a2df77d6f0193e162b5febfc0
# glibc would keep freed memory in an arena for each of many threads: see docs/performance.md.
ENV NODE_ENV=production C2P_CONFIG=/c2p/c2p.config.json MALLOC_ARENA_MAX=2
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# Configuration, keys and store are mounted here; a named volume takes its owner and mode from these folders.
RUN install -d -o node -g node -m 0700 /c2p /c2p/keys /c2p/data
USER node
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["worker"]

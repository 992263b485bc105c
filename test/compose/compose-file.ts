import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** A service of `docker-compose.yml`, as far as the tests look at it. */
export interface Service {
  image: string;
  build?: string;
  user?: string;
  restart: string;
  read_only?: boolean;
  cap_drop?: string[];
  ulimits?: Record<string, number>;
  profiles?: string[];
  tmpfs?: string[];
  entrypoint?: string[];
  command?: string[];
  environment?: Record<string, string | null>;
  depends_on?: Record<string, { condition: string; required?: boolean }>;
  network_mode?: string;
  ports?: string[];
  volumes?: string[];
  stop_grace_period?: string;
  healthcheck?: { test: string[] };
}

export function rootFile(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

export function readRoot(path: string): string {
  return readFileSync(rootFile(path), 'utf8');
}

export const composeText = readRoot('docker-compose.yml');

const compose = parse(composeText, { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};

export const services = Object.entries(compose.services);
export const volumeNames = Object.keys(compose.volumes);

export function service(name: string): Service {
  const found = compose.services[name];
  if (!found) throw new Error(`docker-compose.yml has no service '${name}'`);
  return found;
}

/** A mount in its parts; `source` is what is used when the variable in it is not set. */
export function mounts({ volumes = [] }: Service): { source: string; target: string; readOnly: boolean }[] {
  return volumes.map((volume) => {
    const [source = '', target = '', mode] = volume.replace(/\$\{\w+:-([^}]*)\}/, '$1').split(':');
    return { source, target, readOnly: mode === 'ro' };
  });
}

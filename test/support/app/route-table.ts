import { RequestMethod } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants';
import { type FastifyContextConfig } from 'fastify';
import { type Access, ACCESS } from '../../../apps/identity/src/access/access.js';
import { SCOPES } from '../../../apps/identity/src/access/scopes.js';
import { type TestApp } from './test-app.js';

export { SERVICE_PRIVILEGES } from '#config';
export { type Access, SCOPES };

export interface Route {
  /** `POST` */
  readonly method: string;
  /** `/users/:id` */
  readonly path: string;
  readonly config: FastifyContextConfig;
  readonly access: Access;
}

type Method = (...args: never[]) => unknown;

/** Every route that a controller of the running application declares, so that a test over them covers new ones. */
export function routesOf({ app }: Pick<TestApp, 'app'>): Route[] {
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [
    ...module.controllers.values(),
  ]);
  return controllers.flatMap(({ metatype }) => {
    const prototype = (metatype as unknown as { prototype: Record<string, Method> }).prototype;
    return new MetadataScanner()
      .getAllMethodNames(prototype)
      .map((name) => prototype[name]!)
      .filter((handler) => Reflect.hasMetadata(METHOD_METADATA, handler))
      .flatMap((handler) => routesAt(metatype as object, handler));
  });
}

function routesAt(controller: object, handler: Method): Route[] {
  const read = <T>(key: string, from: object): T => Reflect.getMetadata(key, from) as T;
  const prefix = read<string>(PATH_METADATA, controller);
  return [read<string | string[]>(PATH_METADATA, handler)].flat().map((path) => ({
    method: RequestMethod[read<number>(METHOD_METADATA, handler)]!,
    path: `/${prefix}/${path}`.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1'),
    config: read<FastifyContextConfig | undefined>(FASTIFY_ROUTE_CONFIG_METADATA, handler) ?? {},
    access:
      read<Access | undefined>(ACCESS, handler) ?? read<Access | undefined>(ACCESS, controller) ?? 'user',
  }));
}

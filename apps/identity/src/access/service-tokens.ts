import { type ServicePrivilege, Settings } from '#config';
import { Injectable } from '@nestjs/common';
import { type FastifyContextConfig, type FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { bearerToken, clientCredentials } from './credentials.js';

export interface Service {
  readonly name: string;
  readonly privileges: ReadonlySet<ServicePrivilege>;
}

/** The fixed tokens of other services, by SERVICE_TOKENS. */
@Injectable()
export class ServiceTokens {
  readonly #services: ReadonlyMap<string, Service>;

  constructor(settings: Settings) {
    this.#services = new Map(
      [...settings.serviceTokens].map(([name, { token, privileges }]) => [
        digest(token),
        { name, privileges },
      ]),
    );
  }

  /** The service that sends the request: by its bearer token, or by HTTP Basic where the route takes that. */
  sending(request: FastifyRequest, { takesBasic }: FastifyContextConfig): Service | undefined {
    return this.find(bearerToken(request)) ?? (takesBasic ? this.findByBasic(request) : undefined);
  }

  /** The service whose token this is. Compared by digest, so that time tells nothing about it. */
  find(token: string | undefined): Service | undefined {
    if (token === undefined || this.#services.size === 0) return undefined;
    return this.#services.get(digest(token));
  }

  /** The service whose name and token the request sends by HTTP Basic. */
  findByBasic(request: FastifyRequest): Service | undefined {
    for (const { id, secret } of clientCredentials(request)) {
      const service = this.find(secret);
      if (service?.name === id) return service;
    }
    return undefined;
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

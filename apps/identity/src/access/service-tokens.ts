import { Settings } from '#config';
import { Injectable } from '@nestjs/common';
import { type FastifyContextConfig, type FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { bearerToken, clientCredentials } from './credentials.js';
import { type ServicePrincipal } from './principal.js';

/** The services of SERVICE_TOKENS, by their tokens. Down here because rate limits ask before the guard runs. */
@Injectable()
export class ServiceTokens {
  readonly #services: ReadonlyMap<string, ServicePrincipal>;

  constructor(settings: Settings) {
    this.#services = new Map(
      [...settings.serviceTokens].map(([name, { token, privileges }]) => [
        digest(token),
        Object.freeze({ kind: 'service', name, privileges }),
      ]),
    );
  }

  /** The service that sends the request, by its bearer token, or by HTTP Basic if the route accepts that. */
  sending(request: FastifyRequest, { takesBasic }: FastifyContextConfig): ServicePrincipal | undefined {
    return this.find(bearerToken(request)) ?? (takesBasic ? this.findByBasic(request) : undefined);
  }

  /** Compares digests, so that timing tells nothing about a token. */
  find(token: string | undefined): ServicePrincipal | undefined {
    if (token === undefined || this.#services.size === 0) return undefined;
    return this.#services.get(digest(token));
  }

  /** The service whose name and token the request sends by HTTP Basic. */
  findByBasic(request: FastifyRequest): ServicePrincipal | undefined {
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

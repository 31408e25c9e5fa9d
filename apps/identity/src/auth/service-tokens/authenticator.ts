import { Injectable } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { type ServicePrincipal } from '../../access/principal.js';
import { ServiceTokens } from '../../access/service-tokens.js';
import { InvalidClient } from './errors.js';

/** Authenticates services by their fixed tokens, which are settings: no cache, no database. */
@Injectable()
export class ServiceTokenAuthenticator {
  constructor(private readonly services: ServiceTokens) {}

  /** `undefined` if no service has this bearer token. */
  authenticate(token: string): ServicePrincipal | undefined {
    return this.services.find(token);
  }

  /** @throws InvalidClient unless the request sends name and token of a service by HTTP Basic */
  authenticateBasic(request: FastifyRequest): ServicePrincipal {
    const service = this.services.findByBasic(request);
    if (!service) throw new InvalidClient();
    return service;
  }
}

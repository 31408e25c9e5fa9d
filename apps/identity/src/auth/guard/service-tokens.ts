import { type ServicePrivilege, Settings } from '#config';
import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';

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

  /** The service whose token this is. Compared by digest, so that time tells nothing about it. */
  find(token: string | undefined): Service | undefined {
    if (token === undefined || this.#services.size === 0) return undefined;
    return this.#services.get(digest(token));
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

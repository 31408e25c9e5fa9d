import { Settings } from '#config';
import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';

/** The fixed tokens of other services, by SERVICE_TOKENS. */
@Injectable()
export class ServiceTokens {
  readonly #names: ReadonlyMap<string, string>;

  constructor(settings: Settings) {
    this.#names = new Map([...settings.serviceTokens].map(([name, token]) => [digest(token), name]));
  }

  /** The name of the service whose token this is. Compared by digest, so that time tells nothing about it. */
  nameOf(token: string): string | undefined {
    return this.#names.size === 0 ? undefined : this.#names.get(digest(token));
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';

/** Whether new requests should come here. It ends first, while those under way are still answered. */
@Injectable()
export class Readiness implements BeforeApplicationShutdown {
  #stopping = false;

  get stopping(): boolean {
    return this.#stopping;
  }

  /** From now on load balancers are told to look elsewhere. */
  end(): void {
    this.#stopping = true;
  }

  beforeApplicationShutdown(): void {
    this.end();
  }
}

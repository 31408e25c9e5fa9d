import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { POLL_EVERY_MS } from './rotation-times.js';
import { SigningKeys } from './signing-keys.js';

/** Keeps the keys of a running service up to date. By looking, because `fs.watch` hears nothing on a network file system. */
@Injectable()
export class SigningKeysPoll implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private ended = false;

  constructor(private readonly keys: SigningKeys) {}

  onApplicationBootstrap(): void {
    this.lookLater();
  }

  onModuleDestroy(): void {
    this.ended = true;
    clearTimeout(this.timer);
  }

  private lookLater(): void {
    if (this.ended) return;
    this.timer = setTimeout(() => void this.keys.refresh().then(() => this.lookLater()), POLL_EVERY_MS);
    this.timer.unref();
  }
}

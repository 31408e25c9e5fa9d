import { Settings } from '#config';
import { Clock, SystemClock } from '#cache';
import { Injectable, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { JwksController } from './jwks.controller.js';
import { POLL_EVERY_MS } from './rotation-times.js';
import { SigningKeys } from './signing-keys.js';

/** Keeps the keys of a running service up to date. It polls, because `fs.watch` reports nothing on network file systems. */
@Injectable()
class SigningKeysPoll implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(private readonly keys: SigningKeys) {}

  onApplicationBootstrap(): void {
    this.schedule();
  }

  onModuleDestroy(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private schedule(): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => void this.keys.refresh().then(() => this.schedule()), POLL_EVERY_MS);
    this.timer.unref();
  }
}

/** The keys that sign access tokens, their rotation, and the clock that both follow. */
@Module({
  controllers: [JwksController],
  providers: [
    SigningKeysPoll,
    { provide: Clock, useFactory: () => new SystemClock() },
    {
      provide: SigningKeys,
      inject: [Settings, Clock],
      useFactory: (settings: Settings, clock: Clock) => SigningKeys.load(settings, clock),
    },
  ],
  exports: [Clock, SigningKeys],
})
export class SigningKeysModule {}

import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { errorLine } from '#runtime';

/** Work that each instance repeats for as long as it runs. After a failure, the next run tries again. */
export abstract class PeriodicJob implements OnApplicationBootstrap, OnApplicationShutdown {
  protected readonly logger = new Logger(this.constructor.name);
  #timer: NodeJS.Timeout | undefined;
  #busy = false;

  protected constructor(private readonly everyMs: number) {}

  abstract run(): Promise<void>;

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => void this.#attempt(), this.everyMs).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  async #attempt(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      await this.run();
    } catch (error) {
      this.logger.warn(`put off: ${errorLine(error)}`);
    } finally {
      this.#busy = false;
    }
  }
}

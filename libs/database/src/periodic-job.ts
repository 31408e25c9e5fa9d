import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { errorLine } from '#runtime';

/** What each instance does every now and then for as long as it runs. What fails is done the next time. */
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

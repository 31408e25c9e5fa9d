import { Injectable } from '@nestjs/common';

/** What time it is. Injected, so that tests turn the hands instead of sleeping. */
export abstract class Clock {
  /** Milliseconds since 1970. */
  abstract now(): number;
}

@Injectable()
export class SystemClock extends Clock {
  now(): number {
    return Date.now();
  }
}

import { AbstractLogger } from 'typeorm';

/**
 * TypeORM prints failed migrations whatever its `logging` says. What fails is thrown as well, and those who catch it know
 * whether it is worth a line.
 */
export class MuteLogger extends AbstractLogger {
  protected writeLog(): void {
    // nothing
  }
}

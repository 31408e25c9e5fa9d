import { type ChangeBatch, ChangeSource } from '../src/coherence/change-source.js';
import { type Snapshot } from '../src/coherence/snapshot.js';
import { Gate } from './gate.js';
import { type ModelDatabase } from './model-database.js';

/** The change log of a model database, which a test can delay and break. */
export class FakeChangeSource extends ChangeSource {
  /** The `previous` of each poll that was sent. */
  readonly polls: (Snapshot | undefined)[] = [];
  /** Replies wait here. */
  readonly replies = new Gate();
  /** Prunings wait here. */
  readonly prunings = new Gate();
  error: Error | undefined;
  prunes = 0;
  closed = false;

  constructor(public database: ModelDatabase) {
    super();
  }

  override async read(previous: Snapshot | undefined): Promise<ChangeBatch> {
    this.polls.push(previous);
    const { error } = this;
    const batch = this.database.changesSince(previous);
    await this.replies.pass();
    if (error) throw error;
    return batch;
  }

  override async prune(): Promise<void> {
    this.prunes++;
    await this.prunings.pass();
    if (this.error) throw this.error;
  }

  override close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

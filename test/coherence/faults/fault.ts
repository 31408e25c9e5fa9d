import { type Random } from '../../support/random/random.js';
import { type Report } from '../report/report.js';
import { type Cluster } from '../cluster/cluster.js';
import { type UsherInstance } from '../cluster/usher-instance.js';
import { type Model } from '../model/model.js';

/** What a fault can use. */
export interface FaultContext {
  readonly cluster: Cluster;
  readonly instances: readonly UsherInstance[];
  readonly report: Report;
  readonly random: Random;
  readonly directory: string;
  readonly model: Model;
  /** Commits a change of that user by raw SQL, without a notification. */
  change(id: string): Promise<void>;
  /** While there are any, these instances get all writes, even if disturbed. */
  readonly writeTargets: Set<number>;
  /**
   * Allows these instances to refuse reads until they have recovered from the fault, because their connection to
   * PostgreSQL is disturbed.
   */
  readonly excuse: (...indices: readonly number[]) => void;
  /** Replaces an ended process, optionally with other settings. */
  replace(index: number, env?: NodeJS.ProcessEnv): Promise<void>;
}

/**
 * Something that breaks and is repaired. During a fault that neither breaks PostgreSQL nor excuses an instance, every
 * read on every undisturbed instance must be answered.
 */
export interface Fault {
  readonly name: string;
  /** All instances may refuse reads until they have recovered. */
  readonly breaksPostgres?: true;
  run(context: FaultContext): Promise<void>;
}

import { type Random } from './random.js';
import { type Report } from './report.js';
import { type Stage } from './stage.js';
import { type UsherInstance } from './usher-instance.js';

/** What a fault can lay hands on. */
export interface Scene {
  readonly stage: Stage;
  readonly instances: readonly UsherInstance[];
  readonly report: Report;
  readonly random: Random;
  readonly directory: string;
  /** A new process in the place of one that has ended, with other settings if need be. */
  replace(index: number, env?: NodeJS.ProcessEnv): Promise<void>;
}

/** Something that goes wrong and is mended again. */
export interface Fault {
  readonly name: string;
  run(scene: Scene): Promise<void>;
}

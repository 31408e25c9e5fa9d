import { type Answer, CoherentCache, type Subject } from '#cache';
import { PersonalTokenCache, SessionCache, UserCache } from '#accounts';
import { type Caught, type Moment, type Trap } from './trap.js';

const USER = 'user:id:';

/** Methods of the product, without the object that they belong to. */
type Read = (this: CoherentCache<object>, subject: Subject<object>) => Promise<Answer<object>>;
type Changed = (this: UserCache, ...users: Parameters<UserCache['invalidate']>) => Promise<void>;
type Ended = (this: unknown, ids: readonly string[]) => Promise<void>;

/** Springs traps in this process. The product has no such places; they are made here, around its methods. */
export class Traps {
  #trap: Trap | undefined;
  #release: (() => void) | undefined;

  /** Has to be called before the application is created. */
  constructor() {
    this.#afterCommit();
    this.#beforeFill();
  }

  set(trap: Trap | undefined): void {
    this.#trap = trap;
  }

  /** Lets go on what is held. */
  release(): void {
    this.#release?.();
  }

  /** Stores call these when a write is committed; all invalidation begins in them. */
  #afterCommit(): void {
    const caught = (id: string): Promise<void> => this.#at('committed', id);
    const changed: Changed = Reflect.get<typeof UserCache.prototype, 'changed'>(
      UserCache.prototype,
      'changed',
    );
    UserCache.prototype.invalidate = async function (before, after): Promise<void> {
      await caught((after ?? before)!.id);
      return changed.call(this, before, after);
    };
    for (const { prototype } of [SessionCache, PersonalTokenCache]) {
      const ended: Ended = Reflect.get<typeof prototype, 'ended'>(prototype, 'ended');
      prototype.invalidate = async function (this: SessionCache & PersonalTokenCache, ids): Promise<void> {
        if (ids.length > 0) await caught(ids[0]!);
        return ended.call(this, ids);
      };
    }
  }

  /** What `load()` brings goes into the tiers when it resolves. */
  #beforeFill(): void {
    const caught = (id: string): Promise<void> => this.#at('loaded', id);
    const read = Reflect.get(CoherentCache.prototype, 'read') as Read;
    CoherentCache.prototype.read = function (
      this: CoherentCache<object>,
      subject: Subject<object>,
    ): Promise<Answer<object>> {
      if (!subject.key.startsWith(USER)) return read.call(this, subject);
      const load = async (): ReturnType<typeof subject.load> => {
        const loaded = await subject.load();
        await caught(subject.key.slice(USER.length));
        return loaded;
      };
      return read.call(this, { ...subject, load });
    };
  }

  async #at(moment: Moment, id: string): Promise<void> {
    const trap = this.#trap;
    if (trap?.at !== moment) return;
    this.#trap = undefined;
    const released = new Promise<void>((resolve) => (this.#release = resolve));
    const caught: Caught = { ...trap, id };
    await new Promise((sent) => process.send!({ caught }, sent));
    // Nothing of this call has gone on meanwhile, and nothing does while the process is dead or stopped.
    if (trap.grip === 'killed') process.kill(process.pid, 'SIGKILL');
    if (trap.grip === 'stopped') process.kill(process.pid, 'SIGSTOP');
    else await released;
  }
}

import { type Answer, CoherentCache, type Lookup } from '#cache';
import { PersonalTokenCache, SessionCache, UserCache } from '#accounts';
import { type FailpointHit, type FailpointSite, type Failpoint } from './failpoint.js';

const USER = 'user:id:';

/** Methods of the product, without the object that they belong to. */
type Read = (this: CoherentCache<object>, subject: Lookup<object>) => Promise<Answer<object>>;
type InvalidateUser = (this: UserCache, ...users: Parameters<UserCache['invalidate']>) => Promise<void>;
type InvalidateIds = (this: unknown, ids: readonly string[]) => Promise<void>;

/** The failpoints of this process. The product has none; they are made here, by wrapping its methods. */
export class Failpoints {
  #failpoint: Failpoint | undefined;
  #release: (() => void) | undefined;

  /** Create it before the application. */
  constructor() {
    this.#afterCommit();
    this.#beforeFill();
  }

  set(failpoint: Failpoint | undefined): void {
    this.#failpoint = failpoint;
  }

  /** Lets the held call continue. */
  release(): void {
    this.#release?.();
  }

  /** Stores call these after each commit; all invalidation begins in them. */
  #afterCommit(): void {
    const reached = (id: string): Promise<void> => this.#reached('committed', id);
    const invalidateUser: InvalidateUser = Reflect.get<typeof UserCache.prototype, 'invalidate'>(
      UserCache.prototype,
      'invalidate',
    );
    UserCache.prototype.invalidate = async function (before, after): Promise<void> {
      await reached((after ?? before)!.id);
      return invalidateUser.call(this, before, after);
    };
    for (const { prototype } of [SessionCache, PersonalTokenCache]) {
      const invalidateIds: InvalidateIds = Reflect.get<typeof prototype, 'invalidate'>(
        prototype,
        'invalidate',
      );
      prototype.invalidate = async function (this: SessionCache & PersonalTokenCache, ids): Promise<void> {
        if (ids.length > 0) await reached(ids[0]!);
        return invalidateIds.call(this, ids);
      };
    }
  }

  /** The tiers are filled when `load()` resolves. */
  #beforeFill(): void {
    const reached = (id: string): Promise<void> => this.#reached('loaded', id);
    const read = Reflect.get(CoherentCache.prototype, 'read') as Read;
    CoherentCache.prototype.read = function (
      this: CoherentCache<object>,
      subject: Lookup<object>,
    ): Promise<Answer<object>> {
      if (!subject.key.startsWith(USER)) return read.call(this, subject);
      const load = async (): ReturnType<typeof subject.load> => {
        const loaded = await subject.load();
        await reached(subject.key.slice(USER.length));
        return loaded;
      };
      return read.call(this, { ...subject, load });
    };
  }

  async #reached(site: FailpointSite, id: string): Promise<void> {
    const failpoint = this.#failpoint;
    if (failpoint?.at !== site) return;
    this.#failpoint = undefined;
    const released = new Promise<void>((resolve) => (this.#release = resolve));
    const hit: FailpointHit = { ...failpoint, id };
    await new Promise((sent) => process.send!({ hit }, sent));
    // This call has not continued, and does not while the process is dead or stopped.
    if (failpoint.action === 'killed') process.kill(process.pid, 'SIGKILL');
    if (failpoint.action === 'stopped') process.kill(process.pid, 'SIGSTOP');
    else await released;
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { type History, type Verdict } from '../model/history.js';
import { grantIn, seenInAnswer, sessionIn, standingIn, userIn } from '../model/model-user.js';
import { type Random } from '../../support/random/random.js';
import { type Report, type Subject } from '../report/report.js';
import { type Answer, type Ask, type UsherInstance } from '../cluster/usher-instance.js';
import { type Model } from '../model/model.js';

const BATCH = 50;
/** Number of hot users whose tokens are read often enough to stay cached. */
export const FAMILIAR = 12;

/** Reads one instance by id, alias, access token and personal token, and judges every answer. */
export class Readers {
  constructor(
    private readonly model: Model,
    private readonly instance: UsherInstance,
    private readonly serviceToken: string,
    private readonly random: Random,
    private readonly hot: readonly string[],
    private readonly report: Report,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.instance.running) {
      const dice = this.random.below(10);
      await this.#read(dice).catch(async (error: unknown) => {
        this.report.lost(this.instance.index, error);
        await sleep(50);
      });
    }
  }

  #read(dice: number): Promise<void> {
    if (dice < 4) return this.#byIds();
    if (dice < 6) return this.#byAccessToken();
    return dice < 8 ? this.#byPersonalToken() : this.#byAlias();
  }

  async #byIds(): Promise<void> {
    const ids = this.random.shuffled(this.hot).slice(0, BATCH);
    const answer = await this.#ask('/users/lookup', {
      method: 'POST',
      token: this.serviceToken,
      body: { ids },
    });
    if (answer.status !== 200) return this.#refused(answer);
    const { items, missing } = answer.body as { items: Record<string, unknown>[]; missing: string[] };
    for (const item of items)
      this.#judge('user', this.model.userHistory(item.id as string), seenInAnswer(item), answer, userIn);
    for (const id of missing) this.#judge('user', this.model.userHistory(id), 'nobody', answer);
    if (items.length + missing.length !== ids.length)
      this.report.wrong(`${ids.length} ids asked, ${items.length} + ${missing.length} answered`);
  }

  async #byAlias(): Promise<void> {
    const name = this.random.pick(this.model.aliases);
    const [kind, value] = name.split(':') as [string, string];
    const answer = await this.#ask(`/users/lookup?${kind}=${encodeURIComponent(value)}`, {
      token: this.serviceToken,
    });
    if (answer.status === 200)
      this.#judge('alias', this.model.aliasHistory(name), answer.body!.id as string, answer);
    else if (answer.status === 404) this.#judge('alias', this.model.aliasHistory(name), 'nobody', answer);
    else this.#refused(answer);
  }

  async #byAccessToken(): Promise<void> {
    const id = this.#someone();
    const session = this.model.lastSession(id);
    const token = await this.model.token(id, session);
    const answer = await this.#ask('/auth/me', { token });
    const history = this.model.userHistory(id);
    const ofSession = (state: string): string => sessionIn(state, session);
    // Session and user are two look-ups, each correct at its own moment, so the pair need never have been.
    if (answer.status === 200) {
      this.#judge('user', history, seenInAnswer(answer.body!), answer, userIn);
      this.#judge('session', history, 'session live', answer, ofSession);
    } else if (answer.status === 401 && answer.xCache !== undefined) {
      this.#judgeAny('session', history, answer, [
        ['session over', ofSession],
        ['inactive', standingIn],
      ]);
    } else if (answer.status === 401 && !this.report.wrongClocks.has(this.instance.index)) {
      // Only a clock that is an hour behind sees a token from the future.
      this.report.wrong(`instance ${this.instance.index}: a good token was refused for itself`);
    } else if (answer.status !== 401) this.#refused(answer);
  }

  /** The last personal token of a user, or the one before, whose secret may have been that of the same token. */
  async #byPersonalToken(): Promise<void> {
    const id = this.#someone();
    const tokens = this.model.personalTokens(id);
    const token = tokens.at(this.random.below(4) === 0 ? -1 : 0)!;
    const answer = await this.#ask('/auth/me', { token });
    const history = this.model.userHistory(id);
    const ofToken = (state: string): string => grantIn(state, token);
    // Token and user are two look-ups too.
    if (answer.status === 200) {
      this.#judge('user', history, seenInAnswer(answer.body!), answer, userIn);
      this.#judge('personal token', history, 'token read', answer, ofToken);
    } else if (answer.status === 403) {
      this.#judge('user', history, 'active', answer, standingIn);
      this.#judge('personal token', history, 'token write', answer, ofToken);
    } else if (answer.status === 401 && answer.xCache === undefined) {
      this.report.wrong(`instance ${this.instance.index}: a personal token was refused for its text`);
    } else if (answer.status === 401) {
      this.#judgeAny('personal token', history, answer, [
        ['token over', ofToken],
        ['inactive', standingIn],
      ]);
    } else this.#refused(answer);
  }

  #someone(): string {
    return this.random.pick(this.random.below(4) === 0 ? this.hot : this.hot.slice(0, FAMILIAR));
  }

  async #ask(path: string, ask: Ask): Promise<Answer> {
    const answer = await this.instance.ask(path, ask);
    this.report.answered(this.instance.index, answer);
    this.report.readAnswered(this.instance.index, answer);
    return answer;
  }

  #refused(answer: Answer): void {
    this.report.readRefused(this.instance.index, answer);
  }

  #judge(
    subject: Subject,
    history: History,
    value: string,
    answer: Answer,
    view?: (state: string) => string,
  ): void {
    const verdict = this.#verdict(history, value, answer, view);
    this.report.judged(this.instance.index, subject, verdict, answer.xCache);
  }

  /** The answer has one of several reasons, without saying which. */
  #judgeAny(
    subject: Subject,
    history: History,
    answer: Answer,
    reasons: [value: string, view: (state: string) => string][],
  ): void {
    const verdicts = reasons.map(([value, view]) => this.#verdict(history, value, answer, view));
    const verdict = verdicts.find(({ ok }) => ok) ?? verdicts[0]!;
    this.report.judged(this.instance.index, subject, verdict, answer.xCache);
  }

  #verdict(history: History, value: string, answer: Answer, view?: (state: string) => string): Verdict {
    const { askedAt, answeredAt, xCache } = answer;
    const staleMs = xCache === 'stale' ? this.model.staleIfDownMs : 0;
    return history.judge({ value, askedAt, answeredAt, on: this.instance.index, staleMs }, view);
  }
}

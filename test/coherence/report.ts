import { Availability } from './availability.js';
import { type Verdict } from './history.js';
import { type Trap } from './trap.js';
import { type Answer } from './usher-instance.js';

const MOST_SHOWN = 10;

/** What an instance says of its own audits. */
export interface Audits {
  readonly checked: number;
  readonly outdated: number;
  readonly violations: number;
  readonly lag_ms: { readonly max: number | null };
}

/** What an answer tells of. */
export type Subject = 'user' | 'alias' | 'session' | 'personal token';

/** What a run has seen. */
export class Report {
  /** How long faults came and went, or nothing did. */
  seconds = 0;
  checks = 0;
  readonly violations: string[] = [];
  /** Answers that the contract does not allow. */
  lies = 0;
  /** Those, and whatever else should not have happened. */
  violationCount = 0;
  readonly checksOf = new Map<Subject, number>();
  readonly liesOf = new Map<Subject, number>();
  readonly origins = new Map<string, number>();
  readonly statuses = new Map<number, number>();
  slowest = 0;
  lostRequests = 0;
  /** Reads that were answered 503, or marked stale. */
  refused = 0;
  /** Those among them that PostgreSQL could have answered. */
  refusedInVain = 0;
  readonly availability = new Availability();
  /** Calls that were caught in traps, by place and what happened to them. */
  readonly caught = new Map<string, number>();
  /** The longest that an instance took until it was back to normal after a fault, in milliseconds. */
  slowestRecovery = 0;
  audits = 0;
  auditViolations = 0;
  readonly #lags: number[] = [];
  /** What is being broken at the moment; stands beside every finding. */
  fault = 'none';
  /** Instances that cannot be expected to answer in time. */
  readonly disturbed = new Set<number>();
  /** Instances that do not know what time it is. */
  readonly wrongClocks = new Set<number>();

  judged(instance: number, subject: Subject, verdict: Verdict, origin = 'batch'): void {
    this.checks++;
    count(this.checksOf, subject);
    count(this.origins, origin);
    if (verdict.lagMs > 0 && verdict.ok && origin !== 'stale') this.#lags.push(verdict.lagMs);
    if (verdict.ok) return;
    this.lies++;
    count(this.liesOf, subject);
    const finding = `instance ${instance}, ${origin}, ${subject}: ${verdict.why}`;
    this.wrong(finding, this.liesOf.get(subject) === 1);
  }

  answered(instance: number, { status, askedAt, answeredAt, retryAfter, body }: Answer): void {
    count(this.statuses, status);
    const ms = answeredAt - askedAt;
    if (!this.disturbed.has(instance)) {
      this.slowest = Math.max(this.slowest, ms);
      if (ms > 2_000) this.wrong(`instance ${instance}: an answer took ${ms.toFixed(0)} ms`);
    }
    if (status >= 500 && (status !== 503 || retryAfter === undefined)) {
      this.wrong(`instance ${instance}: status ${status} ${JSON.stringify(body)}`);
    }
  }

  /** A read has the answer that it asked for, and it is going to be judged; but it may say that it is stale. */
  readAnswered(instance: number, answer: Answer): void {
    if (answer.xCache === 'stale') this.#refused(instance, answer, 'marked stale');
  }

  /** A read has an answer that says nothing of what it asked for. */
  readRefused(instance: number, answer: Answer): void {
    const { status, body } = answer;
    if (status === 503) this.#refused(instance, answer, `refused (${String(body?.code)})`);
    // Others of these are wrong already.
    else if (status < 500) this.wrong(`instance ${instance}: a read got ${status} ${JSON.stringify(body)}`);
  }

  #refused(instance: number, { askedAt }: Answer, how: string): void {
    this.refused++;
    if (this.disturbed.has(instance) || !this.availability.isOwed(instance, askedAt)) return;
    this.refusedInVain++;
    this.wrong(`instance ${instance}: a read was ${how} while PostgreSQL was well`, this.refusedInVain === 1);
  }

  sprung(instance: number, { at, grip }: Trap, hit: boolean): void {
    if (hit) count(this.caught, `${at} ${grip}`);
    else this.wrong(`instance ${instance}: nothing was ${grip} when it was ${at}`);
  }

  lost(instance: number, error: unknown): void {
    this.lostRequests++;
    if (!this.disturbed.has(instance)) {
      this.wrong(
        `instance ${instance}: no answer (${error instanceof Error ? error.message : String(error)})`,
      );
    }
  }

  audited(instance: number, { checked, violations, lag_ms }: Audits): void {
    this.audits += checked;
    this.auditViolations += violations;
    if (violations > 0)
      this.wrong(`instance ${instance}: its own audit found ${violations}, of at most ${lag_ms.max} ms`);
  }

  /** @param shown even though enough is shown already */
  wrong(what: string, shown = false): void {
    this.violationCount++;
    if (shown || this.violations.length < MOST_SHOWN) this.violations.push(`[${this.fault}] ${what}`);
  }

  /** Of the reads that were served something outdated: for how long it had been outdated. */
  lag(share: number): number {
    if (this.#lags.length === 0) return 0;
    const sorted = this.#lags.sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  }

  get outdatedReads(): number {
    return this.#lags.length;
  }

  /** For a machine. Times in milliseconds, unless they say otherwise. */
  get figures(): object {
    const { seconds, checks, lies, refused, refusedInVain, violationCount, outdatedReads, violations } = this;
    return {
      ...{ seconds, checks, wrongAnswers: lies, refused, refusedInVain, violations: violationCount },
      outdated: { reads: outdatedReads, p50: this.lag(0.5), p99: this.lag(0.99), longest: this.lag(1) },
      ...{ audits: this.audits, auditViolations: this.auditViolations, slowest: this.slowest },
      ...{ slowestRecovery: this.slowestRecovery, caught: Object.fromEntries(this.caught) },
      findings: violations,
    };
  }

  toString(): string {
    const list = (counts: Map<string | number, number>): string =>
      [...counts]
        .sort(([a], [b]) => String(a).localeCompare(String(b)))
        .map(([name, n]) => `${name} ${n}`)
        .join(', ');
    const lags = [0.5, 0.99, 1].map((share) => this.lag(share).toFixed(0));
    return [
      `checks       ${this.checks}: ${list(this.checksOf)}`,
      `violations   ${this.violationCount}, of them ${this.lies} wrong answers${this.lies > 0 ? `: ${list(this.liesOf)}` : ''}`,
      `outdated     ${this.outdatedReads} reads within Δ; for p50 ${lags[0]} ms, p99 ${lags[1]} ms, at most ${lags[2]} ms`,
      `origins      ${list(this.origins)}`,
      `statuses     ${list(this.statuses)}; ${this.lostRequests} without an answer`,
      `refused      ${this.refused} reads, of them ${this.refusedInVain} while PostgreSQL was well`,
      `caught       ${list(this.caught) || 'nothing in a trap'}`,
      `recovery     ${(this.slowestRecovery / 1_000).toFixed(1)} s at most`,
      `audits       ${this.audits} by the instances themselves, ${this.auditViolations} violations`,
      `slowest      ${this.slowest.toFixed(0)} ms`,
      ...this.violations.map((violation) => `  ! ${violation}`),
    ].join('\n');
  }
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

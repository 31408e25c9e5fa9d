import { Availability } from './availability.js';
import { type Verdict } from '../model/history.js';
import { type Failpoint } from '../cluster/failpoint.js';
import { type Answer } from '../cluster/usher-instance.js';

const MOST_SHOWN = 10;

/** What an instance reports about its own staleness samples. */
export interface Audits {
  readonly checked: number;
  readonly outdated: number;
  readonly violations: number;
  readonly lag_ms: { readonly max: number | null };
}

/** What an answer is about. */
export type Subject = 'user' | 'alias' | 'session' | 'personal token';

/** Result of a run. */
export class Report {
  /** Duration of the run. */
  seconds = 0;
  checks = 0;
  readonly violations: string[] = [];
  /** Answers that violate the contract. */
  wrongAnswers = 0;
  /** Wrong answers and all other violations. */
  violationCount = 0;
  readonly checksOf = new Map<Subject, number>();
  readonly wrongAnswersOf = new Map<Subject, number>();
  readonly origins = new Map<string, number>();
  readonly statuses = new Map<number, number>();
  slowest = 0;
  lostRequests = 0;
  /** Reads that were answered 503, or marked stale. */
  refused = 0;
  /** Of these, the ones PostgreSQL could have answered. */
  refusedInVain = 0;
  readonly availability = new Availability();
  /** Calls that reached a failpoint, by place and action. */
  readonly failpointHits = new Map<string, number>();
  /** Longest time to recover from a fault, in milliseconds. */
  slowestRecovery = 0;
  audits = 0;
  auditViolations = 0;
  readonly #lags: number[] = [];
  /** The current fault; printed with each finding. */
  fault = 'none';
  /** Instances that cannot be expected to answer in time. */
  readonly disturbed = new Set<number>();
  /** Instances with a wrong clock. */
  readonly wrongClocks = new Set<number>();

  judged(instance: number, subject: Subject, verdict: Verdict, origin = 'batch'): void {
    this.checks++;
    count(this.checksOf, subject);
    count(this.origins, origin);
    if (verdict.lagMs > 0 && verdict.ok && origin !== 'stale') this.#lags.push(verdict.lagMs);
    if (verdict.ok) return;
    this.wrongAnswers++;
    count(this.wrongAnswersOf, subject);
    const finding = `instance ${instance}, ${origin}, ${subject}: ${verdict.why}`;
    this.wrong(finding, this.wrongAnswersOf.get(subject) === 1);
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

  /** A read was answered, and is judged elsewhere; it may be marked stale. */
  readAnswered(instance: number, answer: Answer): void {
    if (answer.xCache === 'stale') this.#refused(instance, answer, 'marked stale');
  }

  /** A read was answered without a result. */
  readRefused(instance: number, answer: Answer): void {
    const { status, body } = answer;
    if (status === 503) this.#refused(instance, answer, `refused (${String(body?.code)})`);
    // Other 5xx are violations already.
    else if (status < 500) this.wrong(`instance ${instance}: a read got ${status} ${JSON.stringify(body)}`);
  }

  #refused(instance: number, { askedAt }: Answer, how: string): void {
    this.refused++;
    if (this.disturbed.has(instance) || !this.availability.isOwed(instance, askedAt)) return;
    this.refusedInVain++;
    this.wrong(`instance ${instance}: a read was ${how} while PostgreSQL was well`, this.refusedInVain === 1);
  }

  failpointReached(instance: number, { at, action }: Failpoint, hit: boolean): void {
    if (hit) count(this.failpointHits, `${at} ${action}`);
    else this.wrong(`instance ${instance}: nothing was ${action} when it was ${at}`);
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
      this.wrong(`instance ${instance}: its own sampling found ${violations}, of at most ${lag_ms.max} ms`);
  }

  /** @param shown print it even past the limit */
  wrong(what: string, shown = false): void {
    this.violationCount++;
    if (shown || this.violations.length < MOST_SHOWN) this.violations.push(`[${this.fault}] ${what}`);
  }

  /** Percentile of how long outdated answers had been outdated. */
  lag(share: number): number {
    if (this.#lags.length === 0) return 0;
    const sorted = this.#lags.sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  }

  get outdatedReads(): number {
    return this.#lags.length;
  }

  /** For `--json`. Times in milliseconds, unless named otherwise. */
  get figures(): object {
    const {
      seconds,
      checks,
      wrongAnswers,
      refused,
      refusedInVain,
      violationCount,
      outdatedReads,
      violations,
    } = this;
    return {
      ...{ seconds, checks, wrongAnswers, refused, refusedInVain, violations: violationCount },
      outdated: { reads: outdatedReads, p50: this.lag(0.5), p99: this.lag(0.99), longest: this.lag(1) },
      ...{ audits: this.audits, auditViolations: this.auditViolations, slowest: this.slowest },
      ...{ slowestRecovery: this.slowestRecovery, failpointHits: Object.fromEntries(this.failpointHits) },
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
      `violations   ${this.violationCount}, of them ${this.wrongAnswers} wrong answers${this.wrongAnswers > 0 ? `: ${list(this.wrongAnswersOf)}` : ''}`,
      `outdated     ${this.outdatedReads} reads within Δ; for p50 ${lags[0]} ms, p99 ${lags[1]} ms, at most ${lags[2]} ms`,
      `origins      ${list(this.origins)}`,
      `statuses     ${list(this.statuses)}; ${this.lostRequests} without an answer`,
      `refused      ${this.refused} reads, of them ${this.refusedInVain} while PostgreSQL was well`,
      `failpoints   ${list(this.failpointHits) || 'none hit'}`,
      `recovery     ${(this.slowestRecovery / 1_000).toFixed(1)} s at most`,
      `sampled      ${this.audits} by the instances themselves, ${this.auditViolations} violations`,
      `slowest      ${this.slowest.toFixed(0)} ms`,
      ...this.violations.map((violation) => `  ! ${violation}`),
    ].join('\n');
  }
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

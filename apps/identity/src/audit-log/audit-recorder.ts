import { databaseErrorOf } from '#database';
import { waitAtMost } from '#runtime';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { isAdmin } from '../access/principal.js';
import { DEADLINE_MS, isUuid, type RequestRecorder } from '#http';
import {
  type AuditAction,
  type AuditActor,
  type AuditEntry,
  auditEntry,
  type AuditEvent,
  SUCCESS,
} from '#accounts';
import { type AuditEntryWriter } from './audit-entry-writer.js';
import { clientOf } from '../access/client.js';
import { AuditDeduplicator } from './audit-deduplicator.js';

/** Codes of requests without a known principal. Metrics count them; the audit log does not. */
const UNAUTHENTICATED = new Set(['auth.missing_token', 'auth.invalid_token', 'auth.token_revoked']);
/** Refusals recorded on every route. */
const REFUSALS = new Set(['auth.forbidden', 'auth.insufficient_scope', 'auth.too_many_attempts']);
/** Actions whose success without a token proves that the client is the user concerned. */
const PROVES: ReadonlySet<AuditAction> = new Set([
  'account.registered',
  'account.password_reset',
  'account.email_verified',
  'account.email_changed',
  'session.opened',
  'session.refreshed',
]);

/** The longest that a response waits for its entry. */
const PATIENCE_MS = 500;
/** The shortest wait, for a response at its deadline. */
const LEAST_PATIENCE_MS = 50;

/**
 * Records each call of an `@Audited()` route, and refusals on any route.
 *
 * The entry is written before the response, unless that takes too long. If it cannot be written, the event goes to
 * the application log, without address and device, which could never be deleted there; `usher_audit_unwritten_total`
 * counts that. A call that hits its deadline leaves two entries with one request id: `request.deadline`, and the
 * final outcome.
 */
export class AuditRecorder implements RequestRecorder {
  constructor(
    private readonly writer: Pick<AuditEntryWriter, 'write' | 'lost'>,
    private readonly deduplicator: Pick<AuditDeduplicator, 'isNews'> = new AuditDeduplicator(),
  ) {}

  record(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
    const { audit, deadlineMs } = request.routeOptions.config;
    const outcome = request.problemCode ?? (reply.statusCode < 400 ? SUCCESS : `http.${reply.statusCode}`);
    if (UNAUTHENTICATED.has(outcome)) return undefined;
    const action = audit ?? (REFUSALS.has(outcome) ? 'request.refused' : undefined);
    const written = action && this.#write(request, action, outcome);
    if (!written) return undefined;
    const leftMs = (deadlineMs ?? DEADLINE_MS) - reply.elapsedTime;
    return waitAtMost(
      Math.max(LEAST_PATIENCE_MS, Math.min(PATIENCE_MS, leftMs)),
      written.then(() => undefined),
    );
  }

  recordLate(request: FastifyRequest, code: string | undefined): void {
    const { audit } = request.routeOptions.config;
    if (audit && request.problemCode === 'request.deadline')
      void this.#write(request, audit, code ?? SUCCESS);
  }

  /** Never throws or rejects; `undefined` if there is nothing to record. */
  #write(request: FastifyRequest, action: AuditAction, outcome: string): Promise<void[]> | undefined {
    const events = this.#events(request, action, outcome);
    if (events.length === 0) return undefined;
    return Promise.all(
      events
        .map(auditEntry)
        .map((entry) =>
          this.writer.write(entry).catch((error: unknown) => logInstead(request, entry, error)),
        ),
    );
  }

  /** The action is done: an error here must not change the response, nor go unnoticed. */
  #events(request: FastifyRequest, action: AuditAction, outcome: string): AuditEvent[] {
    try {
      return eventsOf(request, action, outcome, this.deduplicator);
    } catch (error) {
      this.writer.lost();
      request.log.error({ audit: { action, outcome }, err: error }, 'audit entry not written');
      return [];
    }
  }
}

function eventsOf(
  request: FastifyRequest,
  action: AuditAction,
  outcome: string,
  deduplicator: Pick<AuditDeduplicator, 'isNews'>,
): AuditEvent[] {
  const { auditNote: note, principal, claims } = request;
  const client = clientOf(request);
  const did = namedBy(note?.action ?? action, outcome);
  const event: AuditEvent = {
    action: did,
    outcome,
    actor: actorOf(request, did, outcome),
    userId: note?.userId ?? userOf(request, did),
    sessionId:
      note?.sessionId ?? (principal?.kind === 'user' ? principal.sessionId : claims?.sessionId) ?? null,
    changes: note?.changes ?? null,
    address: client.address,
    device: client.device,
    requestId: request.id,
  };
  return [
    ...(deduplicator.isNews(event, client.network) ? [event] : []),
    ...(note?.consequences ?? []).map((consequence) => ({ ...event, action: consequence, outcome: SUCCESS })),
  ];
}

/** Failed logins get an action of their own, so that a reader of actions alone counts no sessions that never were. */
function namedBy(action: AuditAction, outcome: string): AuditAction {
  return action === 'session.opened' && outcome !== SUCCESS ? 'session.refused' : action;
}

function actorOf(request: FastifyRequest, action: AuditAction, outcome: string): AuditActor {
  const { principal, claims } = request;
  if (principal?.kind === 'user') return { kind: 'user', id: principal.user.id };
  if (principal?.kind === 'service') return { kind: 'service', name: principal.name };
  if (claims) return { kind: 'user', id: claims.userId };
  const proved = outcome === SUCCESS && PROVES.has(action) ? request.auditNote?.userId : undefined;
  return proved === undefined ? { kind: 'anyone' } : { kind: 'user', id: proved };
}

function userOf({ principal, claims, params }: FastifyRequest, action: AuditAction): string | null {
  const { id } = (params ?? {}) as { id?: unknown };
  if (action.startsWith('admin.') && isAdmin(principal) && isUuid(id)) return (id as string).toLowerCase();
  return (principal?.kind === 'user' ? principal.user.id : claims?.userId) ?? null;
}

function logInstead(request: FastifyRequest, entry: AuditEntry, error: unknown): void {
  const { address: _address, device: _device, requestId: _requestId, ...audit } = entry;
  const expected = databaseErrorOf(error);
  if (expected) request.log.warn({ audit, reason: expected.message }, 'audit entry not written');
  else request.log.error({ audit, err: error }, 'audit entry not written');
}

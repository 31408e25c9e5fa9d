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
import { type AuditEntryWriter, TooManyEntries } from './audit-entry-writer.js';
import { contextOf } from '../access/request-context.js';
import { AuditDeduplicator } from './audit-deduplicator.js';

/** Who is answered so has not said who they are; metrics count them. */
const NOBODY = new Set(['auth.missing_token', 'auth.invalid_token', 'auth.token_revoked']);
/** What is recorded wherever it happens. */
const REFUSALS = new Set(['auth.forbidden', 'auth.insufficient_scope', 'auth.too_many_attempts']);
/** Who succeeds in these without a token has proved to be the user that it is about. */
const PROVES: ReadonlySet<AuditAction> = new Set([
  'account.registered',
  'account.password_reset',
  'account.email_verified',
  'account.email_changed',
  'session.opened',
  'session.refreshed',
]);

/** The longest that an answer waits for its entry, in milliseconds. */
const PATIENCE_MS = 500;
/** And the least, for one that comes at its deadline. */
const LEAST_PATIENCE_MS = 50;

/**
 * Leaves an entry for each call of an `@Audited()` route, and for refusals anywhere.
 *
 * An entry is in the log before the call is answered. When that takes too long, the answer does not wait for it. When
 * it cannot be written, the event goes into the log of the application instead, but for the address and the device,
 * which nobody could take out of there again; `usher_audit_unwritten_total` counts that. A call that is answered by the
 * deadline leaves two entries of one request id: `request.deadline`, and what became of it in the end.
 */
export class AuditRecorder implements RequestRecorder {
  constructor(
    private readonly writer: Pick<AuditEntryWriter, 'write' | 'lost'>,
    private readonly deduplicator: Pick<AuditDeduplicator, 'isNews'> = new AuditDeduplicator(),
  ) {}

  record(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
    const { audit, deadlineMs } = request.routeOptions.config;
    const outcome = request.problemCode ?? (reply.statusCode < 400 ? SUCCESS : `http.${reply.statusCode}`);
    if (NOBODY.has(outcome)) return undefined;
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

  /** Neither throws nor rejects; `undefined` when it is no news. */
  #write(request: FastifyRequest, action: AuditAction, outcome: string): Promise<void[]> | undefined {
    const events = this.#events(request, action, outcome);
    if (events.length === 0) return undefined;
    return Promise.all(
      events
        .map(auditEntry)
        .map((entry) =>
          this.writer.write(entry).catch((error: unknown) => tellInstead(request, entry, error)),
        ),
    );
  }

  /** The action is done, so a fault in here must neither change the answer nor stay unseen. */
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
  const { client, audit, principal } = contextOf(request);
  const did = namedBy(audit.action ?? action, outcome);
  const event: AuditEvent = {
    action: did,
    outcome,
    actor: actorOf(request, did, outcome),
    userId: audit.userId ?? userOf(request, did),
    sessionId:
      audit.sessionId ??
      (principal?.kind === 'user' ? principal.sessionId : request.claims?.sessionId) ??
      null,
    changes: audit.changes ?? null,
    address: client.address,
    device: client.device,
    requestId: request.id,
  };
  return [
    ...(deduplicator.isNews(event, client.network) ? [event] : []),
    ...audit.consequences.map((consequence) => ({ ...event, action: consequence, outcome: SUCCESS })),
  ];
}

/** A session that was not opened must not be counted as one by who reads only actions. */
function namedBy(action: AuditAction, outcome: string): AuditAction {
  return action === 'session.opened' && outcome !== SUCCESS ? 'session.refused' : action;
}

function actorOf(request: FastifyRequest, action: AuditAction, outcome: string): AuditActor {
  const { principal, claims } = request;
  if (principal?.kind === 'user') return { kind: 'user', id: principal.user.id };
  if (principal?.kind === 'service') return { kind: 'service', name: principal.name };
  if (claims) return { kind: 'user', id: claims.userId };
  const proved = outcome === SUCCESS && PROVES.has(action) ? contextOf(request).audit.userId : undefined;
  return proved === undefined ? { kind: 'anyone' } : { kind: 'user', id: proved };
}

function userOf({ principal, claims, params }: FastifyRequest, action: AuditAction): string | null {
  const { id } = (params ?? {}) as { id?: unknown };
  if (action.startsWith('admin.') && isAdmin(principal) && isUuid(id)) return (id as string).toLowerCase();
  return (principal?.kind === 'user' ? principal.user.id : claims?.userId) ?? null;
}

function tellInstead(request: FastifyRequest, entry: AuditEntry, error: unknown): void {
  const { address: _address, device: _device, requestId: _requestId, ...audit } = entry;
  const expected = error instanceof TooManyEntries ? error : databaseErrorOf(error);
  if (expected) request.log.warn({ audit, reason: expected.message }, 'audit entry not written');
  else request.log.error({ audit, err: error }, 'audit entry not written');
}

import { v7 as uuidv7 } from 'uuid';

export const SUCCESS = 'success';

/** Who did it. `anyone`: an unauthenticated client; `operator`: a person at the command line; `system`: a periodic job. */
export type AuditActor =
  | { readonly kind: 'user'; readonly id: string }
  | { readonly kind: 'service'; readonly name: string }
  | { readonly kind: 'anyone' }
  | { readonly kind: 'operator' }
  | { readonly kind: 'system' };

/** Who did what, from where, with which outcome. */
export interface AuditEvent {
  readonly action: AuditAction;
  /** `success`, or the code of the problem in the answer. */
  readonly outcome: string;
  readonly actor: AuditActor;
  /** The user whose account it is about. */
  readonly userId: string | null;
  /** The session that was opened, refreshed or ended; else the session of the request. */
  readonly sessionId: string | null;
  /** Names of fields, flags and roles with their values: `bio`, `is_active=false`, `roles=admin,editor`. Never a text that a person wrote. */
  readonly changes: readonly string[] | null;
  readonly address: string | null;
  readonly device: string | null;
  readonly requestId: string | null;
}

/** An event with its id and time, as `audit_log` keeps it. */
export interface AuditEntry extends AuditEvent {
  /** UUIDv7: it contains the time and sorts by it. */
  readonly id: string;
  readonly at: Date;
}

export function auditEntry(event: AuditEvent): AuditEntry {
  const id = uuidv7();
  return { id, at: new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)), ...event };
}

/** An event of the command line or of a periodic job. */
export function ownEvent(
  kind: 'operator' | 'system',
  action: AuditAction,
  userId: string | null = null,
): AuditEvent {
  return {
    action,
    outcome: SUCCESS,
    actor: { kind },
    userId,
    sessionId: null,
    changes: null,
    address: null,
    device: null,
    requestId: null,
  };
}

/** The lower bound of all ids of that millisecond; no entry has it. */
export function idAt(time: Date): string {
  const hex = Math.max(0, time.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`;
}

/** The events of the audit log, as `subject.event`. Names never change, because operators' reports depend on them. */
export const AUDIT_ACTIONS = [
  'account.registered',
  'account.profile_changed',
  'account.password_changed',
  'account.password_reset_asked',
  'account.password_reset',
  'account.verification_asked',
  'account.email_verified',
  'account.email_change_asked',
  'account.email_changed',
  'account.deactivated',
  'account.deleted',
  'account.exported',
  'account.avatar_changed',
  'session.opened',
  'session.refused',
  'session.refreshed',
  'session.reuse_detected',
  'session.ended',
  'session.all_ended',
  'second_factor.started',
  'second_factor.enabled',
  'second_factor.disabled',
  'second_factor.recovery_codes_made',
  'token.created',
  'token.revoked',
  'admin.user_changed',
  'admin.user_deleted',
  'admin.sessions_ended',
  'admin.second_factor_removed',
  'admin.audit_log_read',
  'admin.appointed',
  'admin.users_imported',
  'keys.published',
  'keys.rotated',
  'request.refused',
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

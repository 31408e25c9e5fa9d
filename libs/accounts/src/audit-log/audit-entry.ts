import { v7 as uuidv7 } from 'uuid';

export const SUCCESS = 'success';

/** Who did it. `anyone`: somebody who has not proved who they are; `operator`: somebody at the command line; `system`: nobody, its time had come. */
export type AuditActor =
  | { readonly kind: 'user'; readonly id: string }
  | { readonly kind: 'service'; readonly name: string }
  | { readonly kind: 'anyone' }
  | { readonly kind: 'operator' }
  | { readonly kind: 'system' };

/** Who did what, from where, and what came of it. */
export interface AuditEvent {
  readonly action: AuditAction;
  /** `success`, or the code of the problem that was answered. */
  readonly outcome: string;
  readonly actor: AuditActor;
  /** Whose account it is about. */
  readonly userId: string | null;
  /** The session that was opened, refreshed or ended; else the one it was done from. */
  readonly sessionId: string | null;
  /** Names of fields, and flags and roles with their value: `bio`, `is_active=false`, `roles=admin,editor`. Never what a person wrote. */
  readonly changes: readonly string[] | null;
  readonly address: string | null;
  readonly device: string | null;
  readonly requestId: string | null;
}

/** An event that has happened, as `audit_log` keeps it. */
export interface AuditEntry extends AuditEvent {
  /** UUIDv7: it sorts by time, and holds it. */
  readonly id: string;
  readonly at: Date;
}

export function auditEntry(event: AuditEvent): AuditEntry {
  const id = uuidv7();
  return { id, at: new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)), ...event };
}

/** Done at the command line, or by the clock. */
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

/** What sorts before every entry of that millisecond and after all before it, though it is no id of any. */
export function idAt(time: Date): string {
  const hex = Math.max(0, time.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`;
}

/** What the audit log knows of, as `what.happened`. Names stay for ever: somebody's reports are made of them. */
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

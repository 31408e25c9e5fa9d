import { ChoiceField, CursorField, InstantField, PageSizeField, TextField, UuidField } from '#http';
import { AUDIT_ACTIONS, type AuditAction } from '#accounts';

/** Which page of entries. */
export class ActivityQuery {
  @PageSizeField('Entries', 50)
  limit?: number;

  @CursorField()
  cursor?: string;
}

export class AuditLogQuery extends ActivityQuery {
  @UuidField({ optional: true, description: 'Only what is about the account of this user.' })
  user_id?: string;

  @UuidField({ optional: true, description: 'Only what this user did.' })
  actor_id?: string;

  @ChoiceField({
    of: AUDIT_ACTIONS,
    optional: true,
    description: 'Only this action.',
    example: 'session.opened',
  })
  action?: AuditAction;

  @TextField({
    optional: true,
    min: 1,
    max: 64,
    description: 'Only what ended so: `success`, or the code of a problem.',
    example: 'auth.invalid_credentials',
  })
  outcome?: string;

  @InstantField({ optional: true, description: 'Only from this moment on.' })
  since?: Date;

  @InstantField({ optional: true, description: 'Only before this moment.' })
  until?: Date;
}

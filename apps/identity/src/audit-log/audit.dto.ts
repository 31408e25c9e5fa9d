import {
  ChoiceField,
  cursorAfter,
  CursorField,
  InstantField,
  PageSizeField,
  TextField,
  UuidField,
} from '#http';
import { AUDIT_ACTIONS, type AuditAction, type AuditActor, type AuditEntry } from '#accounts';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';

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

const uuid = (description: string): PropertyDecorator =>
  ApiProperty({ type: 'string', format: 'uuid', nullable: true, description });

@ApiSchema({ name: 'AuditActor' })
export class AuditActorResponse {
  @ApiProperty({
    type: 'string',
    enum: ['user', 'service', 'anyone', 'operator', 'system'],
    description:
      '`anyone`: who did not prove who they are; `operator`: somebody at the command line; `system`: its time had come.',
  })
  kind!: AuditActor['kind'];

  @uuid('Of a user.')
  id!: string | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'Of a service.', example: 'billing' })
  name!: string | null;

  static of(actor: AuditActor): AuditActorResponse {
    return {
      kind: actor.kind,
      id: 'id' in actor ? actor.id : null,
      name: 'name' in actor ? actor.name : null,
    };
  }
}

/** What users and administrators see of an entry. */
class EntryResponse {
  @ApiProperty({ type: 'string', format: 'uuid', example: '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6071' })
  id!: string;

  @ApiProperty({ type: 'string', format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  at!: string;

  @ApiProperty({
    type: 'string',
    enum: AUDIT_ACTIONS,
    enumName: 'AuditAction',
    description: 'What was done, or tried.',
    example: 'session.opened',
  })
  action!: AuditAction;

  @ApiProperty({ type: 'string', description: '`success`, or the code of a problem.', example: 'success' })
  outcome!: string;

  @ApiProperty({
    type: [String],
    nullable: true,
    description: 'Which fields were given, and flags with their value.',
    example: ['is_active=false'],
  })
  changes!: readonly string[] | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'Where it came from.', example: '192.0.2.7' })
  address!: string | null;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'What the client said it is.',
    example: 'Mozilla/5.0 …',
  })
  device!: string | null;

  protected static common({ id, at, action, outcome, changes, address, device }: AuditEntry): EntryResponse {
    return { id, at: at.toISOString(), action, outcome, changes, address, device };
  }
}

@ApiSchema({ name: 'AuditEntry' })
export class AuditEntryResponse extends EntryResponse {
  @ApiProperty({ type: AuditActorResponse })
  actor!: AuditActorResponse;

  @uuid('Whose account it is about.')
  user_id!: string | null;

  @uuid('Which session, or the one it was done from.')
  session_id!: string | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'As `X-Request-Id` and the log have it.' })
  request_id!: string | null;

  static of(entry: AuditEntry): AuditEntryResponse {
    return {
      ...EntryResponse.common(entry),
      actor: AuditActorResponse.of(entry.actor),
      user_id: entry.userId,
      session_id: entry.sessionId,
      request_id: entry.requestId,
    };
  }
}

@ApiSchema({ name: 'AuditPage', description: 'Newest first.' })
export class AuditPage {
  @ApiProperty({ type: [AuditEntryResponse] })
  items!: AuditEntryResponse[];

  @ApiProperty({ type: 'string', nullable: true, description: 'For the next page; null on the last.' })
  next_cursor!: string | null;

  /** @param entries one more than `limit` if there is a next page */
  static of(entries: readonly AuditEntry[], limit: number): AuditPage {
    return {
      items: entries.slice(0, limit).map((entry) => AuditEntryResponse.of(entry)),
      next_cursor: nextCursor(entries, limit),
    };
  }
}

@ApiSchema({ name: 'Activity' })
export class ActivityResponse extends EntryResponse {
  @ApiProperty({
    type: 'string',
    enum: ['you', 'anyone', 'administrator', 'service', 'operator', 'system'],
    description: '`anyone`: who did not prove who they are, and may have been you.',
  })
  by!: 'you' | 'anyone' | 'administrator' | 'service' | 'operator' | 'system';

  /** Users do not see the addresses of administrators. */
  static of(entry: AuditEntry): ActivityResponse {
    const by = byOf(entry);
    const isTheirs = by === 'you' || by === 'anyone';
    return { ...EntryResponse.common(entry), ...(!isTheirs && { address: null, device: null }), by };
  }
}

@ApiSchema({ name: 'ActivityPage', description: 'Newest first.' })
export class ActivityPage {
  @ApiProperty({ type: [ActivityResponse] })
  items!: ActivityResponse[];

  @ApiProperty({ type: 'string', nullable: true, description: 'For the next page; null on the last.' })
  next_cursor!: string | null;

  /** @param entries one more than `limit` if there is a next page */
  static of(entries: readonly AuditEntry[], limit: number): ActivityPage {
    return {
      items: entries.slice(0, limit).map((entry) => ActivityResponse.of(entry)),
      next_cursor: nextCursor(entries, limit),
    };
  }
}

function byOf({ actor, userId }: AuditEntry): ActivityResponse['by'] {
  if (actor.kind !== 'user') return actor.kind;
  return actor.id === userId ? 'you' : 'administrator';
}

function nextCursor(entries: readonly AuditEntry[], limit: number): string | null {
  const last = entries[limit - 1];
  return entries.length > limit && last ? cursorAfter(last.id) : null;
}

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
  @UuidField({ optional: true, description: 'Only entries about the account of this user.' })
  user_id?: string;

  @UuidField({ optional: true, description: 'Only actions of this user.' })
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
    description: 'Only this outcome: `success`, or an error code.',
    example: 'auth.invalid_credentials',
  })
  outcome?: string;

  @InstantField({ optional: true, description: 'Only entries at or after this time.' })
  since?: Date;

  @InstantField({ optional: true, description: 'Only entries before this time.' })
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
      '`anyone`: an unauthenticated client; `operator`: the command line; `system`: a scheduled job.',
  })
  kind!: AuditActor['kind'];

  @uuid('Of a user.')
  id!: string | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'The name of a service.', example: 'billing' })
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
    description: 'The action, successful or not.',
    example: 'session.opened',
  })
  action!: AuditAction;

  @ApiProperty({ type: 'string', description: '`success`, or an error code.', example: 'success' })
  outcome!: string;

  @ApiProperty({
    type: [String],
    nullable: true,
    description: 'The names of the changed fields, and the values of flags and roles.',
    example: ['is_active=false'],
  })
  changes!: readonly string[] | null;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'The IP address of the client.',
    example: '192.0.2.7',
  })
  address!: string | null;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'The `User-Agent` of the client.',
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

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'The `X-Request-Id` of the request, also in the log.',
  })
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

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'The cursor of the next page; null on the last page.',
  })
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
    description: '`anyone`: an unauthenticated client, possibly you.',
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

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'The cursor of the next page; null on the last page.',
  })
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

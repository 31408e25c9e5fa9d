import { Column, Entity, PrimaryColumn } from 'typeorm';
import { type AuditAction, type AuditActor } from './audit-entry.js';

/** A row of `audit_log`. */
@Entity({ name: 'audit_log' })
export class AuditLogEntity {
  /** UUIDv7, made at `at`, so that entries sort by time. */
  @PrimaryColumn('uuid')
  id!: string;

  @Column('timestamptz')
  at!: Date;

  @Column('text')
  action!: AuditAction;

  @Column('text')
  outcome!: string;

  @Column('text', { name: 'actor_kind' })
  actorKind!: AuditActor['kind'];

  @Column('uuid', { name: 'actor_id', nullable: true })
  actorId!: string | null;

  @Column('text', { name: 'actor_name', nullable: true })
  actorName!: string | null;

  @Column('uuid', { name: 'user_id', nullable: true })
  userId!: string | null;

  @Column('uuid', { name: 'session_id', nullable: true })
  sessionId!: string | null;

  @Column('text', { array: true, nullable: true })
  changes!: string[] | null;

  @Column('inet', { nullable: true })
  address!: string | null;

  @Column('text', { nullable: true })
  device!: string | null;

  @Column('text', { name: 'request_id', nullable: true })
  requestId!: string | null;
}

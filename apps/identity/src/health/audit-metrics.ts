import { type AuditEntryWriter } from '../audit-log/audit-entry-writer.js';
import { type MetricRow } from '#observability';

export const AUDIT_METRICS: readonly MetricRow<Pick<AuditEntryWriter, 'unwritten'>>[] = [
  {
    type: 'counter',
    name: 'usher_audit_unwritten_total',
    help: 'Entries of the audit log that could not be written, or of which nobody knows; the log of the application has them.',
    read: ({ unwritten }) => unwritten,
  },
];

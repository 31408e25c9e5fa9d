import 'reflect-metadata';
import { ERROR_STATUSES } from '#http';
import '../../apps/identity/src/bootstrap/app.module.js'; // declares the codes of the service
import { withTable } from './generated-table.js';

/** docs/api.md with every code that an error can have, by status. */
export function withErrorTable(page: string): string {
  const rows = Object.entries(ERROR_STATUSES)
    .sort(([a, { status: x }], [b, { status: y }]) => x - y || a.localeCompare(b, 'en'))
    .map(([code, { status, title }]) => [String(status), `\`${code}\``, title]);
  return withTable(page, 'errors', ['Status', 'Code', 'Title'], rows);
}

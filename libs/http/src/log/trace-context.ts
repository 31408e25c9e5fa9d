import { type IncomingMessage } from 'node:http';

/** W3C Trace Context, section 3.2: version, trace id, parent id, flags. Later versions may add what is after those. */
const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.{1,200})?$/;

/** The trace that a request belongs to, by `traceparent`; `undefined` for none and for one that is not valid. */
export function traceIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  const given = headers.traceparent;
  if (typeof given !== 'string') return undefined;
  const [, version, traceId, more] = TRACEPARENT.exec(given) ?? [];
  return version === '00' && more !== undefined ? undefined : traceId;
}

import { describe, expect, it } from '@jest/globals';
import { traceIdOf } from './request-log.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

describe('traceIdOf', () => {
  it.each([`00-${TRACE}-${PARENT}-01`, `cc-${TRACE}-${PARENT}-01`, `01-${TRACE}-${PARENT}-00-more`])(
    'traceIdOf reads the trace of %s',
    (traceparent) => expect(traceIdOf({ headers: { traceparent } })).toBe(TRACE),
  );

  it.each([
    '',
    TRACE,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${PARENT}-01-more`,
    `00-${TRACE}-${PARENT}-1`,
    `ff-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`,
    `00-${TRACE}"}-${PARENT}-01`,
  ])('traceIdOf ignores the header %s', (traceparent) =>
    expect(traceIdOf({ headers: { traceparent } })).toBeUndefined(),
  );
});

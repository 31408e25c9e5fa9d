import { ERROR_STATUSES } from '#http';
import { describe, expect, it } from '@jest/globals';
import './error-statuses.js';

describe('the table of error statuses', () => {
  it('error statuses give every code of the identity service a status and a title', () => {
    const own = Object.entries(ERROR_STATUSES).filter(([code]) =>
      /^(auth|users|avatars|encryption|storage)\./.test(code),
    );
    expect(own.length).toBeGreaterThan(40);
    for (const [code, { status, title }] of own) {
      expect([code, status >= 400 && status < 600, title !== '']).toEqual([code, true, true]);
    }
  });
});

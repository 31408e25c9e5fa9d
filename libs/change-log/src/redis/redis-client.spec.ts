import { describe, expect, it } from '@jest/globals';
import { commandFailure, failureReason } from './redis-client.js';

describe('failureReason', () => {
  it.each([
    [new Error('connect ECONNREFUSED 127.0.0.1:6379'), 'connect ECONNREFUSED 127.0.0.1:6379'],
    [Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    [new RangeError(), 'RangeError'],
    ['not even an error', 'no reason given'],
    [new Error('one\r\nline'), 'one line'],
  ])('says what %p says', (error, reason) => {
    expect(failureReason(error)).toBe(reason);
  });

  it('is short, whatever a server sends', () => {
    expect(failureReason(new Error('x'.repeat(1_000_000)))).toHaveLength(200);
  });

  it('does not repeat what was asked', () => {
    const error = new Error(
      "ERR unknown command 'GET', with args beginning with: 'user:email:ada@example.com'",
    );
    expect(failureReason(error)).toBe("ERR unknown command 'GET'");
  });

  it('does not tell a secret', () => {
    const error = new Error('ERR no hunter2 for ada here, ada');
    expect(failureReason(error, ['ada', 'hunter2', ''])).toBe('ERR no … for … here, …');
  });
});

describe('commandFailure', () => {
  it('says why a command failed', () => {
    expect(commandFailure(new Error('Command timed out'))).toBe('Command timed out');
  });

  it.each([
    'Connection is closed.',
    "Stream isn't writeable and enableOfflineQueue options is false",
    "Cluster isn't ready and enableOfflineQueue options is false",
    'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
    'Too many Cluster redirections. Last error: Error: Connection is closed.',
  ])('has nothing to say when there was no connection: %s', (message) => {
    expect(commandFailure(new Error(message))).toBeUndefined();
  });
});

import { describe, expect, it } from '@jest/globals';
import { commandFailure, failureReason } from './redis-client.js';

describe('failureReason', () => {
  it.each([
    [new Error('connect ECONNREFUSED 127.0.0.1:6379'), 'connect ECONNREFUSED 127.0.0.1:6379'],
    [Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    [new RangeError(), 'RangeError'],
    ['not even an error', 'no reason given'],
    [new Error('one\r\nline'), 'one line'],
  ])('failureReason returns the message of %p', (error, reason) => {
    expect(failureReason(error)).toBe(reason);
  });

  it('failureReason cuts a long message', () => {
    expect(failureReason(new Error('x'.repeat(1_000_000)))).toHaveLength(200);
  });

  it('failureReason drops the arguments of the command', () => {
    const error = new Error(
      "ERR unknown command 'GET', with args beginning with: 'user:email:ada@example.com'",
    );
    expect(failureReason(error)).toBe("ERR unknown command 'GET'");
  });

  it('failureReason masks secrets', () => {
    const error = new Error('ERR no hunter2 for ada here, ada');
    expect(failureReason(error, ['ada', 'hunter2', ''])).toBe('ERR no … for … here, …');
  });
});

describe('commandFailure', () => {
  it('commandFailure returns the reason', () => {
    expect(commandFailure(new Error('Command timed out'))).toBe('Command timed out');
  });

  it.each([
    'Connection is closed.',
    "Stream isn't writeable and enableOfflineQueue options is false",
    "Cluster isn't ready and enableOfflineQueue options is false",
    'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
    'Too many Cluster redirections. Last error: Error: Connection is closed.',
  ])('commandFailure returns undefined without a connection: %s', (message) => {
    expect(commandFailure(new Error(message))).toBeUndefined();
  });
});

import { describe, expect, it } from '@jest/globals';
import { HashingPace } from './password-hasher.js';

describe('HashingPace', () => {
  it('HashingPace says in whole seconds how long a queue takes', () => {
    expect(new HashingPace(250).secondsFor(66, 2)).toBe(9);
  });

  it('HashingPace never says to come back at once', () => {
    expect(new HashingPace(1).secondsFor(4, 2)).toBe(1);
  });

  it('HashingPace follows what it measures', () => {
    const pace = new HashingPace(250);
    for (let i = 0; i < 100; i++) pace.observe(1_000);
    expect(pace.secondsFor(66, 2)).toBe(33);
  });
});

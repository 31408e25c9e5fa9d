import { describe, expect, it } from '@jest/globals';
import { AvatarsBusy } from './avatar-errors.js';
import { MemoryBudget } from './memory-budget.js';

describe('MemoryBudget', () => {
  it('MemoryBudget limits the sum of all shares', () => {
    const budget = new MemoryBudget(100);
    const [one, other] = [budget.open(), budget.open()];
    one.grow(60);
    other.grow(40);
    expect(budget.held).toBe(100);
    expect(() => other.grow(1)).toThrow(AvatarsBusy);
    expect(budget.held).toBe(100);
  });

  it('MemoryBudget frees a share once, even if it is given back twice', () => {
    const budget = new MemoryBudget(100);
    const [one, other] = [budget.open(), budget.open()];
    one.grow(70);
    other.grow(30);
    one.giveBack();
    one.giveBack();
    expect(budget.held).toBe(30);
    other.grow(70);
  });
});

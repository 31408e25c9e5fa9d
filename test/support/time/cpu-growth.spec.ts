import { expect, it } from '@jest/globals';
import { growthOf } from './cpu-growth.js';

it('growthOf recognizes quadratic work', async () => {
  const compareAll = (size: number) => () => {
    let equal = 0;
    for (let one = 0; one < size; one++) for (let other = 0; other < one; other++) equal += +(one === other);
    return equal;
  };
  expect(await growthOf(compareAll, 10_000)).toMatchObject({ isLinear: false });
});

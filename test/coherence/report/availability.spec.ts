import { beforeEach, describe, expect, it } from '@jest/globals';
import { Availability } from './availability.js';

describe('Availability', () => {
  let well: boolean;
  let availability: Availability;

  beforeEach(() => {
    well = true;
    availability = new Availability();
    availability.watch([{ wasHealthySince: () => well }]);
  });

  it('Availability expects every read to be answered while nothing is wrong', () => {
    expect(availability.isOwed(0, performance.now())).toBe(true);
  });

  it('Availability excuses an instance under fault, and reads begun before its recovery', () => {
    const before = performance.now();
    availability.excuse(0);
    expect(availability.isOwed(0, before)).toBe(false);
    availability.expect(0);
    expect(availability.isOwed(0, before)).toBe(false);
    expect(availability.isOwed(0, performance.now())).toBe(true);
  });

  it('Availability excuses an instance while its probe fails', () => {
    well = false;
    expect(availability.isOwed(0, performance.now())).toBe(false);
  });
});

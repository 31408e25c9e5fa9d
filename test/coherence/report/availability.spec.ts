import { beforeEach, describe, expect, it } from '@jest/globals';
import { Availability } from './availability.js';

describe('an instance', () => {
  let well: boolean;
  let availability: Availability;

  beforeEach(() => {
    well = true;
    availability = new Availability();
    availability.watch([{ wasHealthySince: () => well }]);
  });

  it('owes an answer to every read while nothing is wrong', () => {
    expect(availability.isOwed(0, performance.now())).toBe(true);
  });

  it('owes none while it is excused, nor to a read that began before it was back to normal', () => {
    const before = performance.now();
    availability.excuse(0);
    expect(availability.isOwed(0, before)).toBe(false);
    availability.expect(0);
    expect(availability.isOwed(0, before)).toBe(false);
    expect(availability.isOwed(0, performance.now())).toBe(true);
  });

  it('owes none while the probe had trouble too', () => {
    well = false;
    expect(availability.isOwed(0, performance.now())).toBe(false);
  });
});

import { describe, expect, it, jest } from '@jest/globals';
import { Gate } from '../../test/gate.js';
import { SingleFlight } from './single-flight.js';

describe('SingleFlight', () => {
  it('SingleFlight runs once for all calls made meanwhile, and again for a later call', async () => {
    const flights = new SingleFlight<number>();
    let runs = 0;
    const run = (): Promise<number> => Promise.resolve(++runs);
    expect(await Promise.all([flights.do('a', run), flights.do('a', run), flights.do('a', run)])).toEqual([
      1, 1, 1,
    ]);
    expect(await flights.do('a', run)).toBe(2);
  });

  it('SingleFlight runs different keys separately', async () => {
    const flights = new SingleFlight<string>();
    const both = [flights.do('a', () => Promise.resolve('A')), flights.do('b', () => Promise.resolve('B'))];
    expect(await Promise.all(both)).toEqual(['A', 'B']);
  });

  it('SingleFlight rejects all waiting calls with a failure, and does not keep it', async () => {
    const flights = new SingleFlight<string>();
    const fail = (): Promise<string> => Promise.reject(new Error('no'));
    const settled = await Promise.allSettled([flights.do('a', fail), flights.do('a', fail)]);
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(flights.size).toBe(0);
    expect(await flights.do('a', () => Promise.resolve('yes'))).toBe('yes');
  });

  it('SingleFlight starts another run for a call made when a run ends', async () => {
    const flights = new SingleFlight<string>();
    const first = flights.do('a', () => Promise.resolve('first'));
    expect(flights.has('a')).toBe(true);
    await first;
    expect(flights.has('a')).toBe(false);
  });

  it('SingleFlight starts another run for a forgotten key, and the end of the first does not remove it', async () => {
    const flights = new SingleFlight<string>();
    const [slow, slower] = [new Gate(), new Gate()];
    slow.close();
    slower.close();
    const first = flights.do('a', () => slow.pass().then(() => 'first'));
    flights.forget('a');
    const second = flights.do('a', () => slower.pass().then(() => 'second'));
    slow.open();
    expect(await first).toBe('first');
    const third = jest.fn(() => Promise.resolve('third'));
    const joined = flights.do('a', third);
    slower.open();
    expect(await Promise.all([second, joined])).toEqual(['second', 'second']);
    expect(third).not.toHaveBeenCalled();
  });
});

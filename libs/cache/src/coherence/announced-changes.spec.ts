import { beforeEach, describe, expect, it } from '@jest/globals';
import { aSnapshot } from '../../test/a-snapshot.js';
import { AnnouncedChanges, type Announcement } from './announced-changes.js';
import { type Stamp } from './snapshot.js';

const aStamp = (snapshot: string, epoch = 'one'): Stamp => ({ epoch, snapshot: aSnapshot(snapshot) });

function anAnnouncement(fields: Partial<Announcement> = {}): Announcement {
  return { epoch: 'one', snapshot: aSnapshot('13:13:'), changes: [{ xid: 12, tags: ['a'] }], ...fields };
}

describe('AnnouncedChanges', () => {
  let announced: AnnouncedChanges;

  beforeEach(() => {
    announced = new AnnouncedChanges();
  });

  it('contradict what did not see them, and nothing else', () => {
    expect(announced.contradicts(aStamp('10:10:'), ['a'])).toBe(false);
    announced.hear(anAnnouncement(), 1);
    expect(announced.contradicts(aStamp('10:10:'), ['a'])).toBe(true);
    expect(announced.contradicts(aStamp('10:13:12'), ['b', 'a'])).toBe(true);
    expect(announced.contradicts(aStamp('10:10:'), ['b'])).toBe(false);
    expect(announced.contradicts(aStamp('13:13:'), ['a'])).toBe(false); // as after a replay
  });

  it('are forgotten after a look that was sent later, and not after one that was sent before', () => {
    announced.hear(anAnnouncement(), 5);
    announced.polled(5);
    expect(announced.contradicts(aStamp('10:10:'), ['a'])).toBe(true);
    announced.polled(6);
    expect(announced.contradicts(aStamp('10:10:'), ['a'])).toBe(false);
  });

  it('contradict everything that is older when they are too many to name', () => {
    announced.hear(anAnnouncement({ changes: undefined }), 1);
    expect(announced.contradicts(aStamp('12:12:'), ['b'])).toBe(true);
    expect(announced.contradicts(aStamp('13:13:'), ['b'])).toBe(false);
  });

  it('contradict everything of another epoch', () => {
    announced.hear(anAnnouncement({ epoch: 'two' }), 1);
    expect(announced.contradicts(aStamp('99:99:'), ['b'])).toBe(true);
  });

  it('contradict everything when more were heard than are remembered, until a look', () => {
    const tags = Array.from({ length: 1_000 }, (_, n) => `t${n}`);
    for (let n = 0; n < 110; n++) announced.hear(anAnnouncement({ changes: [{ xid: 12, tags }] }), n);
    expect(announced.contradicts(aStamp('99:99:'), ['b'])).toBe(true);
    announced.polled(1_000);
    expect(announced.contradicts(aStamp('99:99:'), ['b'])).toBe(false);
  });
});

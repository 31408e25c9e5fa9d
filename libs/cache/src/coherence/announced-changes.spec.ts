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

  it('AnnouncedChanges contradicts stamps that did not see a change, and no others', () => {
    expect(announced.contradicts(aStamp('10:10:'), ['a'])).toBe(false);
    announced.hear(anAnnouncement(), 1);
    expect(announced.contradicts(aStamp('10:10:'), ['a'])).toBe(true);
    expect(announced.contradicts(aStamp('10:13:12'), ['b', 'a'])).toBe(true);
    expect(announced.contradicts(aStamp('10:10:'), ['b'])).toBe(false);
    expect(announced.contradicts(aStamp('13:13:'), ['a'])).toBe(false); // as after a replay
  });

  it('AnnouncedChanges forgets a change after a poll sent later, and not after one sent before', () => {
    announced.hear(anAnnouncement(), 5);
    announced.polled(5);
    expect(announced.contradicts(aStamp('10:10:'), ['a'])).toBe(true);
    announced.polled(6);
    expect(announced.contradicts(aStamp('10:10:'), ['a'])).toBe(false);
  });

  it('AnnouncedChanges contradicts everything older than an announcement of too many changes to name', () => {
    announced.hear(anAnnouncement({ changes: undefined }), 1);
    expect(announced.contradicts(aStamp('12:12:'), ['b'])).toBe(true);
    expect(announced.contradicts(aStamp('13:13:'), ['b'])).toBe(false);
  });

  it('AnnouncedChanges contradicts everything of another epoch', () => {
    announced.hear(anAnnouncement({ epoch: 'two' }), 1);
    expect(announced.contradicts(aStamp('99:99:'), ['b'])).toBe(true);
  });

  it('AnnouncedChanges contradicts everything, until the next poll, when it cannot remember all changes', () => {
    const tags = Array.from({ length: 1_000 }, (_, n) => `t${n}`);
    for (let n = 0; n < 110; n++) announced.hear(anAnnouncement({ changes: [{ xid: 12, tags }] }), n);
    expect(announced.contradicts(aStamp('99:99:'), ['b'])).toBe(true);
    announced.polled(1_000);
    expect(announced.contradicts(aStamp('99:99:'), ['b'])).toBe(false);
  });
});

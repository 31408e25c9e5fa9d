import { describe, expect, it } from '@jest/globals';
import { type AuditEntry, auditEntry } from '#accounts';
import { DatabaseBusy } from '#database';
import { AuditEntryWriter } from './audit-entry-writer.js';

function anEntry(): AuditEntry {
  return auditEntry({
    action: 'session.opened',
    outcome: 'success',
    actor: { kind: 'anyone' },
    userId: null,
    sessionId: null,
    changes: null,
    address: null,
    device: null,
    requestId: null,
  });
}

/** A table whose statements end when the test says so. */
class FakeTable {
  readonly statements: { ids: string[]; done: () => void; fail: (error: Error) => void }[] = [];

  insert = (entries: readonly AuditEntry[]): Promise<void> =>
    new Promise((resolve, reject) => {
      this.statements.push({ ids: entries.map(({ id }) => id), done: resolve, fail: reject });
    });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('AuditEntryWriter', () => {
  it('AuditEntryWriter writes the first entry at once, and entries that arrive meanwhile in one statement', async () => {
    const table = new FakeTable();
    const writer = new AuditEntryWriter(table.insert);
    const entries = Array.from({ length: 5 }, anEntry);
    const writes = entries.map((entry) => writer.write(entry));
    expect(table.statements).toHaveLength(1);
    table.statements[0]!.done();
    await writes[0];
    await turn();
    expect(table.statements.map(({ ids }) => ids)).toEqual([
      [entries[0]!.id],
      entries.slice(1).map(({ id }) => id),
    ]);
    table.statements[1]!.done();
    await Promise.all(writes);
    const next = writer.write(anEntry());
    expect(table.statements).toHaveLength(3);
    table.statements[2]!.done();
    await next;
    expect(writer.unwritten).toBe(0);
  });

  it('AuditEntryWriter tries once, rejects the entries that failed, and goes on', async () => {
    const table = new FakeTable();
    const writer = new AuditEntryWriter(table.insert);
    const writes = [anEntry(), anEntry(), anEntry()].map((entry) => writer.write(entry).catch(String));
    table.statements[0]!.fail(new Error('gone'));
    await turn();
    table.statements[1]!.done();
    expect(await Promise.all(writes)).toEqual(['Error: gone', undefined, undefined]);
    expect(writer.unwritten).toBe(1);
  });

  it('AuditEntryWriter bounds its memory while nothing can be written', async () => {
    const table = new FakeTable();
    const writer = new AuditEntryWriter(table.insert);
    const writes = Array.from({ length: 2_001 }, () => writer.write(anEntry()).catch(String));
    await expect(writer.write(anEntry())).rejects.toThrow(DatabaseBusy);
    expect(writer.unwritten).toBe(1);

    const drained = writer.drain();
    for (let at = 0; at < 11; at++) {
      table.statements[at]!.done();
      await turn();
    }
    await drained;
    expect(table.statements.map(({ ids }) => ids.length)).toEqual([1, ...Array<number>(10).fill(200)]);
    expect(new Set(await Promise.all(writes))).toEqual(new Set([undefined]));
  });
});

describe('auditEntry', () => {
  it('auditEntry has the time of its id', () => {
    const before = Date.now();
    const { id, at } = anEntry();
    expect(at.getTime()).toBeGreaterThanOrEqual(before);
    expect(at.getTime()).toBeLessThanOrEqual(Date.now() + 1);
    expect(id.startsWith(at.getTime().toString(16).padStart(12, '0').slice(0, 8))).toBe(true);
  });
});

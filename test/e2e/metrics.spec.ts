import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/time/eventually.js';
import { anAdmin, aUser, bearer } from '../support/app/users.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { TestApp } from '../support/app/test-app.js';

const SERVICE_TOKEN = randomBytes(24).toString('hex');

describe('GET /metrics', () => {
  let database: TestDatabase;
  let redis: RedisServer;
  let usher: TestApp;

  beforeAll(async () => {
    database = await createTestDatabase();
    redis = await RedisServer.start();
    usher = await start();
  });

  afterAll(async () => {
    await usher.stop();
    await redis.stop();
    await database.drop();
  });

  function start({ databaseUrl = database.url, redisUrl = redis.url } = {}): Promise<TestApp> {
    const env = { REDIS_URL: redisUrl, SERVICE_TOKENS: `prometheus:metrics=${SERVICE_TOKEN}` };
    return TestApp.start({ database, databaseUrl, env });
  }

  async function scrape(from = usher): Promise<Scrape> {
    const { text } = await from.http.get('/metrics').set(bearer(SERVICE_TOKEN)).expect(200);
    return new Scrape(text);
  }

  it('metrics are for administrators and services', async () => {
    await usher.http.get('/metrics').expect(401);
    await usher.http.get('/metrics').set(bearer('nonsense')).expect(401);
    const person = await aUser(usher);
    await usher.http.get('/metrics').set(person.bearer).expect(403);
    const admin = await anAdmin(usher);
    await usher.http.get('/metrics').set(admin.bearer).expect(200);
  });

  it('metrics are uncacheable text in the format of Prometheus', async () => {
    const { headers, text } = await usher.http.get('/metrics').set(bearer(SERVICE_TOKEN)).expect(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(headers['cache-control']).toBe('no-store');
    const metrics = new Scrape(text);
    for (const [name, { type, help }] of metrics.families) {
      expect(name).toMatch(/^(usher|process|nodejs)_/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      expect(help).not.toBe('');
    }
  });

  it('metrics cover requests, cache, Redis, pool and process', async () => {
    const metrics = await scrape();
    expect(metrics.value('usher_build_info', { version: '0.1.0' })).toBe(1);
    expect(metrics.value('usher_http_requests_in_flight')).toBe(1);
    expect(metrics.value('usher_redis_up')).toBe(1);
    expect(metrics.value('usher_redis_breaker_state', { state: 'closed' })).toBe(1);
    expect(metrics.value('usher_redis_breaker_state', { state: 'open' })).toBe(0);
    expect(metrics.value('usher_redis_latency_seconds')).toBeLessThan(1);
    expect(metrics.value('usher_redis_next_probe_seconds')).toBeUndefined();
    expect(metrics.value('usher_cache_lease_holds')).toBe(1);
    expect(metrics.value('usher_cache_lease_age_seconds')).toBeLessThan(1);
    expect(metrics.value('usher_cache_guarded')).toBe(1);
    expect(metrics.value('usher_cache_window_changes')).toBeGreaterThanOrEqual(0);
    expect(metrics.value('usher_cache_memory_entries')).toBeGreaterThanOrEqual(0);
    expect(metrics.value('usher_cache_memory_bytes')).toBeGreaterThanOrEqual(0);
    expect(metrics.value('usher_cache_audit_violations_total')).toBe(0);
    expect(metrics.value('usher_database_pool_connections', { state: 'busy' })).toBeGreaterThanOrEqual(0);
    expect(metrics.value('usher_database_pool_max_connections')).toBe(10);
    expect(metrics.value('usher_database_pool_waiting')).toBe(0);
    expect(metrics.value('process_cpu_seconds_total')).toBeGreaterThan(0);
    expect(metrics.value('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(metrics.value('nodejs_heap_size_used_bytes')).toBeGreaterThan(1e6);
    expect(metrics.value('nodejs_version_info', { version: process.version })).toBe(1);
    await eventually(async () => (await scrape()).value('nodejs_eventloop_lag_p99_seconds')! > 0);
  });

  it('metrics count requests by route pattern and status, and look-ups by origin', async () => {
    const person = await aUser(usher, { username: 'measured' });
    const before = await scrape();
    for (let n = 0; n < 3; n++) await usher.http.get('/auth/me').set(person.bearer).expect(200);
    await usher.http.get('/auth/me').set(person.bearer).set('cache-control', 'no-cache').expect(200);
    await usher.http.get(`/users/${person.id}`).set(person.bearer).expect(200);
    await usher.http.get('/auth/me').expect(401);
    const after = await scrape();

    const rise = (name: string, labels: Record<string, string>): number =>
      (after.value(name, labels) ?? 0) - (before.value(name, labels) ?? 0);
    const me = { method: 'GET', route: '/auth/me' };
    expect(rise('usher_http_requests_total', { ...me, status: '200' })).toBe(4);
    expect(rise('usher_http_requests_total', { ...me, status: '401' })).toBe(1);
    expect(rise('usher_http_request_duration_seconds_count', me)).toBe(5);
    expect(rise('usher_http_request_duration_seconds_bucket', { ...me, le: '+Inf' })).toBe(5);
    const took = rise('usher_http_request_duration_seconds_sum', me);
    expect(took).toBeGreaterThan(0);
    expect(took).toBeLessThan(10);
    const profile = { method: 'GET', route: '/users/:id', status: '200' };
    expect(rise('usher_http_requests_total', profile)).toBe(1);

    expect(rise('usher_cache_lookups_total', { origin: 'bypass' })).toBe(1);
    expect(rise('usher_cache_lookups_total', { origin: 'memory' })).toBeGreaterThanOrEqual(3);
    expect(rise('usher_cache_lookup_seconds_total', { result: 'hit' })).toBeGreaterThan(0);
    expect(rise('usher_cache_lookup_seconds_total', { result: 'miss' })).toBeGreaterThan(0);
    expect(after.text).not.toContain(person.id);
    expect(after.text).not.toContain('measured');
  });

  it('metrics have no series for invented paths or methods', async () => {
    await invent(1); // the statuses and methods that the rest will meet
    const before = await scrape();
    await invent(25);
    const after = await scrape();
    expect(after.series.size).toBe(before.series.size);
    expect(after.text).not.toMatch(/invented/i);
    const unmatched = (scrape: Scrape): number =>
      scrape.value('usher_http_requests_total', { method: 'GET', route: 'unmatched', status: '404' })!;
    expect(unmatched(after) - unmatched(before)).toBe(25);
  });

  /** Addresses, parameters, encodings and methods that do not exist, `times` each. */
  async function invent(times: number): Promise<void> {
    for (let n = 0; n < times; n++) {
      const unique = `invented-${randomBytes(6).toString('hex')}`;
      await usher.http.get(`/${unique}/${unique}`);
      await usher.http.post(`/auth/${unique}?${unique}=1`);
      await usher.http.get(`/users/${unique}`);
      await usher.http.get(`/users/${unique.repeat(20)}`).expect(414);
      await usher.http.get(`/users/%E0%A4${unique}`).expect(400);
      for (const method of ['PROPFIND', 'M-SEARCH', 'PURGE']) await raw(method, `/${unique}`);
    }
  }

  function raw(method: string, path: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      request(new URL(path, usher.url), { method }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      })
        .on('error', reject)
        .end();
    });
  }

  it('metrics count a disconnected client as aborted, and none stays in flight', async () => {
    const aborted = { method: 'POST', route: '/auth/login', status: 'aborted' };
    const body = JSON.stringify({ identifier: 'nobody@example.com', password: 'x'.repeat(30) });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) + 1 };
    const leaving = request(new URL('/auth/login', usher.url), { method: 'POST', headers });
    leaving.on('error', () => undefined);
    leaving.write(body); // one byte is missing, and will never come
    await eventually(async () => (await scrape()).value('usher_http_requests_in_flight') === 2);
    leaving.destroy();
    await eventually(async () => (await scrape()).value('usher_http_requests_total', aborted) === 1);
    expect((await scrape()).value('usher_http_requests_in_flight')).toBe(1);
  });

  it('metrics are per application, with several in one process', async () => {
    const other = await start();
    try {
      await other.http.get('/health/live').expect(200);
      const live = { method: 'GET', route: '/health/live', status: '200' };
      expect((await scrape(other)).value('usher_http_requests_total', live)).toBe(1);
      expect((await scrape(usher)).value('usher_http_requests_total', live)).toBeUndefined();
    } finally {
      await other.stop();
    }
  });

  it.each(['cut', 'blackhole'] as const)(
    'metrics are answered without PostgreSQL and Redis (%s), and say so',
    async (fault) => {
      const address = new URL(database.url);
      const toPostgres = await TcpProxy.start({ targetPort: Number(address.port) });
      const toRedis = await TcpProxy.start({ targetPort: redis.port });
      address.port = String(toPostgres.port);
      const alone = await start({ databaseUrl: address.href, redisUrl: toRedis.url('redis') });
      try {
        expect((await scrape(alone)).value('usher_redis_up')).toBe(1);
        await Promise.all([toPostgres[fault](), toRedis[fault]()]);
        await eventually(async () => {
          const askedAt = performance.now();
          const metrics = await scrape(alone);
          expect(performance.now() - askedAt).toBeLessThan(2_000);
          const holds = metrics.value('usher_cache_lease_holds');
          return holds === 0 && metrics.value('usher_redis_breaker_state', { state: 'open' }) === 1;
        });
        const metrics = await scrape(alone);
        expect(metrics.value('usher_redis_up')).toBe(0);
        expect(metrics.value('usher_redis_latency_seconds')).toBeUndefined();
        expect(metrics.value('usher_cache_lease_age_seconds')).toBeGreaterThan(1);
      } finally {
        await Promise.all([toPostgres.heal(), toRedis.heal()]);
        await alone.stop();
        await Promise.all([toPostgres.stop(), toRedis.stop()]);
      }
    },
  );
});

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
const HELP_LINE = new RegExp(`^# HELP (${NAME}) (.*)$`);
const TYPE_LINE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`);
const SAMPLE_LINE = new RegExp(
  `^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?|\\+Inf)$`,
);

/** One answer, read as strictly as the format is written: https://prometheus.io/docs/instrumenting/exposition_formats/ */
class Scrape {
  readonly families = new Map<string, { type: string; help: string }>();
  /** By name and labels as they stand there, labels sorted. */
  readonly series = new Map<string, number>();

  constructor(readonly text: string) {
    if (!text.endsWith('\n')) throw new Error('The last line has no end.');
    let help: RegExpExecArray | null = null;
    let family = '';
    for (const line of text.split('\n').filter((line) => line !== '')) {
      const type = TYPE_LINE.exec(line);
      const sample = SAMPLE_LINE.exec(line);
      if (HELP_LINE.test(line)) help = HELP_LINE.exec(line);
      else if (type) {
        family = type[1]!;
        if (help?.[1] !== family || this.families.has(family)) throw new Error(`Out of place: ${line}`);
        this.families.set(family, { type: type[2]!, help: help[2]! });
      } else if (sample) this.#take(sample, family);
      else throw new Error(`Not in the format: ${line}`);
    }
  }

  value(name: string, labels: Record<string, string> = {}): number | undefined {
    return this.series.get(
      keyOf(
        name,
        Object.entries(labels).map(([label, value]) => `${label}="${value}"`),
      ),
    );
  }

  #take([line, name, labels = '', value]: RegExpExecArray, family: string): void {
    const suffixes = this.families.get(family)?.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    if (!suffixes.some((suffix) => name === family + suffix)) throw new Error(`Out of place: ${line}`);
    const key = keyOf(name!, labels.match(new RegExp(LABEL, 'g')) ?? []);
    if (this.series.has(key)) throw new Error(`Said twice: ${line}`);
    this.series.set(key, value === '+Inf' ? Infinity : Number(value));
  }
}

function keyOf(name: string, labels: string[]): string {
  return `${name}{${labels.sort().join(',')}}`;
}

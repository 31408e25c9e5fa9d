import { type FastifyReply, type FastifyRequest } from 'fastify';
import { CacheTrace } from '#http';
import { clientAt } from '../src/access/client.js';
import { type Principal } from '../src/access/principal.js';
import { AuditNote, type RequestContext } from '../src/access/request-context.js';
import { type LoginThrottle, type ThrottleKey } from '../src/login-throttle/login-throttle.js';

export function aContext(principal?: Principal): RequestContext {
  return { principal, client: clientAt('203.0.113.7', 'A Browser'), audit: new AuditNote() };
}

/** As much of a reply as `CacheTrace` uses. */
export class FakeReply {
  readonly headers = new Map<string, unknown>();

  get reply(): FastifyReply {
    return this as unknown as FastifyReply;
  }

  getHeader(name: string): unknown {
    return this.headers.get(name);
  }

  header(name: string, value: unknown): this {
    this.headers.set(name, value);
    return this;
  }
}

export function aTrace(reply = new FakeReply()): CacheTrace {
  return CacheTrace.of({ headers: {} } as FastifyRequest, reply.reply);
}

/** Lets every attempt pass, and remembers whom it was told about. */
export class FakeThrottle {
  readonly attempts: ThrottleKey[] = [];
  readonly trusted: unknown[] = [];

  get throttle(): LoginThrottle {
    return this as unknown as LoginThrottle;
  }

  attempt<T>(key: ThrottleKey, _client: unknown, attempt: () => Promise<T>): Promise<T> {
    this.attempts.push(key);
    return attempt();
  }

  trustNetwork(key: ThrottleKey): Promise<void> {
    this.trusted.push(key);
    return Promise.resolve();
  }

  trustNetworkFor({ id }: { id: string }): Promise<void> {
    this.trusted.push(id);
    return Promise.resolve();
  }
}

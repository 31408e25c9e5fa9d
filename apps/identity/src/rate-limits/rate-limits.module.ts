import { Settings } from '#config';
import { Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type FastifyInstance } from 'fastify';
import { ServiceTokens } from '../access/service-tokens.js';
import { BadTokens } from './bad-tokens.js';
import { RateLimits } from './rate-limits.js';

/** Request quotas. The hook runs before every route of the application. */
@Module({
  providers: [
    ServiceTokens,
    {
      provide: RateLimits,
      inject: [Settings, ServiceTokens],
      useFactory: (settings: Settings, services: ServiceTokens) => new RateLimits(settings, services),
    },
    {
      provide: BadTokens,
      inject: [Settings],
      useFactory: ({ rateLimitFactor }: Settings) => new BadTokens(rateLimitFactor),
    },
  ],
  exports: [BadTokens, RateLimits],
})
export class RateLimitsModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly limits: RateLimits,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.limits.start();
    // The command line has no HTTP.
    const fastify = this.host.httpAdapter?.getInstance<FastifyInstance>();
    if (fastify) fastify.requestLimiter = this.limits.requests;
  }

  onApplicationShutdown(): void {
    this.limits.stop();
  }
}

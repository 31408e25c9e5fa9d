import { Controller, Get, HttpCode } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import {
  HealthCheckService,
  HealthIndicatorService,
  type HealthCheckResult,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import { InjectDataSource } from '@nestjs/typeorm';
import { type DataSource } from 'typeorm';
import { UserCache, UserDirectory } from '#accounts';
import { cacheCondition, CacheReport, HealthReport, LiveReport, Readiness } from '#observability';
import { Public, PublicOrKnown, Scope } from '../access/access.js';
import { CurrentPrincipal } from '../access/current-user.js';
import { type Principal, hasPrivilege, isAdmin } from '../access/principal.js';

@ApiTags('health')
@Controller('health')
@Public()
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly readiness: Readiness,
    private readonly cache: UserCache,
    private readonly directory: UserDirectory,
    @InjectDataSource() private readonly dataSource: DataSource,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'The health of the service and its dependencies; without Redis it is degraded but healthy',
  })
  @ApiOkResponse({ type: HealthReport, description: 'Healthy; a part may be degraded.' })
  @ApiServiceUnavailableResponse({ type: HealthReport, description: 'PostgreSQL cannot be reached.' })
  getHealth(): Promise<HealthCheckResult> {
    return this.health.check([() => this.#database(), () => this.#cache()]);
  }

  @Get('live')
  @HttpCode(200)
  @ApiOperation({ summary: 'Liveness of the process: dependencies are not checked' })
  @ApiOkResponse({ type: LiveReport, description: 'The process answers.' })
  getLiveness(): LiveReport {
    return { status: 'ok' };
  }

  @Get('ready')
  @ApiOperation({
    summary: 'Readiness for requests: fails first when the service stops',
  })
  @ApiOkResponse({ type: HealthReport, description: 'Ready.' })
  @ApiServiceUnavailableResponse({
    type: HealthReport,
    description: 'Stopping.',
  })
  getReadiness(): Promise<HealthCheckResult> {
    // The database is not checked: without it reads are still served, and not if every instance were taken out.
    return this.health.check([() => this.#running()]);
  }

  @Get('cache')
  @PublicOrKnown('metrics')
  @Scope('metrics:read')
  @ApiOperation({ summary: 'State and statistics of the cache' })
  @ApiOkResponse({ type: CacheReport, description: 'For the last hour and since the start.' })
  async getCacheReport(@CurrentPrincipal() principal: Principal | undefined): Promise<CacheReport> {
    return CacheReport.of(
      await this.cache.status(),
      isAdmin(principal) || hasPrivilege(principal, 'metrics'),
    );
  }

  #running(): HealthIndicatorResult {
    const indicator = this.indicators.check('service');
    return this.readiness.stopping ? indicator.down('stopping') : indicator.up();
  }

  async #database(): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('database');
    const startedAt = performance.now();
    try {
      await this.dataSource.query('SELECT 1');
      const latencyMs = Math.round((performance.now() - startedAt) * 1e3) / 1e3;
      return indicator.up({ latency_ms: latencyMs, search_index: await this.directory.indexing() });
    } catch {
      // The reason is for the log: it may name hosts and users, and this route is public.
      return indicator.down('PostgreSQL cannot be reached');
    }
  }

  async #cache(): Promise<HealthIndicatorResult> {
    const { status, ...condition } = cacheCondition(await this.cache.status());
    const indicator = this.indicators.check('cache');
    return status === 'up' ? indicator.up(condition) : indicator.degraded(condition);
  }
}

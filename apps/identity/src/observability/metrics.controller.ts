import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { prometheusContentType } from 'prom-client';
import { AdminsAndServicesOnly, Scope } from '../access/access.js';
import { Metrics } from './metrics.js';

@ApiTags('health')
@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  @AdminsAndServicesOnly('metrics')
  @Scope('metrics:read')
  @Header('content-type', prometheusContentType)
  @ApiOperation({ summary: 'Metrics for Prometheus' })
  @ApiProduces('text/plain')
  @ApiOkResponse({
    description: "Prometheus' text format, version 0.0.4.",
    schema: { type: 'string', example: 'usher_cache_lookups_total{origin="memory"} 4711\n' },
  })
  getMetrics(): Promise<string> {
    return this.metrics.text();
  }
}

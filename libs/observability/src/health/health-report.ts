import { ApiProperty, ApiSchema } from '@nestjs/swagger';

/** What terminus answers, for the documentation. */
@ApiSchema({ name: 'HealthReport' })
export class HealthReport {
  @ApiProperty({ type: 'string', enum: ['ok', 'degraded', 'error', 'shutting_down'] })
  status!: string;

  @ApiProperty({ ...parts('The parts that do their work.'), example: { database: { status: 'up' } } })
  info!: Record<string, object>;

  @ApiProperty({ ...parts('The parts that do not.'), example: {} })
  error!: Record<string, object>;

  @ApiProperty({ ...parts('All parts.'), example: { database: { status: 'up' } } })
  details!: Record<string, object>;
}

@ApiSchema({ name: 'LiveReport' })
export class LiveReport {
  @ApiProperty({ type: 'string', enum: ['ok'] })
  status!: 'ok';
}

function parts(description: string): object {
  return {
    type: 'object',
    description,
    additionalProperties: {
      type: 'object',
      properties: { status: { type: 'string', enum: ['up', 'degraded', 'down'] } },
      required: ['status'],
      additionalProperties: true,
    },
  };
}

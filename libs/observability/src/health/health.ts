import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';

/** Terminus' response, for the documentation. */
@ApiSchema({ name: 'HealthReport' })
export class HealthReport {
  @ApiProperty({ type: 'string', enum: ['ok', 'degraded', 'error', 'shutting_down'] })
  status!: string;

  @ApiProperty({ ...parts('Parts that work.'), example: { database: { status: 'up' } } })
  info!: Record<string, object>;

  @ApiProperty({ ...parts('Parts that do not.'), example: {} })
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

/** Whether new requests should be sent here. Ends first on a stop, while requests in progress are answered. */
@Injectable()
export class Readiness implements BeforeApplicationShutdown {
  #stopping = false;

  get stopping(): boolean {
    return this.#stopping;
  }

  /** From now on load balancers should use other instances. */
  end(): void {
    this.#stopping = true;
  }

  beforeApplicationShutdown(): void {
    this.end();
  }
}

import { ApiProperty, ApiSchema } from '@nestjs/swagger';

@ApiSchema({ name: 'ClosedAccount' })
export class ClosedAccount {
  @ApiProperty({
    type: 'string',
    format: 'date-time',
    description: 'When it is deleted for good, unless an administrator restores it before.',
    example: '2026-01-31T12:00:00.000Z',
  })
  deletion_due_at!: string;
}

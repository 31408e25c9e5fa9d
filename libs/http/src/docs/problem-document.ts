import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { type FieldError, type Problem } from '../errors/problem.js';

@ApiSchema({ name: 'FieldError', description: 'One refused field.' })
export class FieldErrorDocument implements FieldError {
  @ApiProperty({
    type: 'array',
    items: { oneOf: [{ type: 'string' }, { type: 'integer' }] },
    description: 'Where it stands.',
    example: ['body', 'email'],
  })
  loc!: (string | number)[];

  @ApiProperty({ type: 'string', description: 'For people.', example: 'Field required' })
  msg!: string;

  @ApiProperty({ type: 'string', description: 'For programs; stable.', example: 'missing' })
  type!: string;
}

@ApiSchema({ name: 'Problem', description: 'Every error (RFC 9457).' })
export class ProblemDocument implements Problem {
  [extension: string]: unknown;

  @ApiProperty({ type: 'string', format: 'uri', example: 'urn:usher:problem:request.validation' })
  type!: string;

  @ApiProperty({ type: 'string', example: 'Invalid input' })
  title!: string;

  @ApiProperty({ type: 'integer', minimum: 400, maximum: 599, example: 422 })
  status!: number;

  @ApiProperty({
    type: 'string',
    description: 'What went wrong this time.',
    example: 'One field is not valid.',
  })
  detail!: string;

  @ApiProperty({ type: 'string', description: 'Stable; branch on this.', example: 'request.validation' })
  code!: string;

  @ApiProperty({
    type: [FieldErrorDocument],
    required: false,
    description: 'The refused fields, where there are any.',
  })
  errors?: FieldErrorDocument[];
}

import { ApiProperty, ApiSchema } from '@nestjs/swagger';

@ApiSchema({ name: 'AvatarUpload' })
export class AvatarUpload {
  @ApiProperty({
    type: 'string',
    format: 'binary',
    description: 'A PNG, JPEG, WebP or GIF picture of at most 5 MB; of an animation the first frame counts.',
  })
  file!: string;
}
